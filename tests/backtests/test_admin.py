"""Trying rules on a campaign's page, before they are saved."""

from typing import Any

import pytest
from django.test import Client

from referral_factory.backtests.models import Backtest
from referrals.models import Campaign
from tests.admin.conftest import Login, boss, login
from tests.admin.pages import said
from tests.factories import make_campaign, make_rule
from tests.steps import referred, report

__all__ = ["boss", "login"]

BASE = "/admin/backtests/backtest/"


@pytest.fixture
def campaign() -> Campaign:
    campaign = make_campaign(name="Bring a friend")
    make_rule(campaign=campaign)
    friend = referred(campaign=campaign).friend
    report(friend, "15")
    return campaign


def form_of(client: Client, campaign: Campaign) -> dict[str, Any]:
    """What the browser would send of the campaign's page."""
    page = client.get(f"/admin/referrals/campaign/{campaign.pk}/change/")
    assert f"{BASE}{campaign.pk}/try/" in page.content.decode()
    form = page.context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    return {n: v for n, v in values.items() if v is not None and v is not False}


def asked(client: Client, campaign: Campaign, **changes: str) -> Any:
    """The page that asks what else is tried."""
    given = {**form_of(client, campaign), **changes}
    return client.post(f"{BASE}{campaign.pk}/try/", given, follow=True)


def start(client: Client, campaign: Campaign, page: Any, **given: str) -> Any:
    form = page.context["form"]
    values = {
        name: form[name].value() or "" for name in ("tried", "advocate", "friend")
    }
    return client.post(f"{BASE}{campaign.pk}/start/", {**values, **given}, follow=True)


def test_a_changed_rule_is_tried_and_not_saved(
    boss: Client, campaign: Campaign
) -> None:
    page = asked(boss, campaign, milestone_minimum="10")
    assert page.context["differs"] == [("minimum_amount", "20.00", "10.00")]

    result = start(boss, campaign, page)

    text = result.content.decode()
    assert "Which referrals change, and why" in text
    backtest = Backtest.objects.get()
    assert (backtest.made_by, backtest.status) == ("user:boss", "done")
    assert backtest.counts["cost_tried"] == {"USD": "10.00"}
    assert backtest.tried["reward_rules"] is None  # the amounts were left as they are
    assert backtest.changes.get().kind == "qualifies"
    campaign.refresh_from_db()
    assert campaign.milestone_minimum == 20


def test_other_rewards_are_tried(boss: Client, campaign: Campaign) -> None:
    page = asked(boss, campaign, milestone_minimum="10")

    start(boss, campaign, page, advocate="12", friend="3")

    assert Backtest.objects.get().counts["cost_tried"] == {"USD": "15.00"}


def test_a_rule_that_cannot_be_saved_cannot_be_tried(
    boss: Client, campaign: Campaign
) -> None:
    page = asked(boss, campaign, milestone_minimum="lots")

    assert "Enter a number." in said(page)
    assert not Backtest.objects.exists()


def test_a_period_that_ends_before_it_begins_is_asked_for_again(
    boss: Client, campaign: Campaign
) -> None:
    page = asked(boss, campaign)
    period = {"begins_at_0": "2026-03-02", "begins_at_1": "00:00"}
    period |= {"ends_at_0": "2026-03-01", "ends_at_1": "00:00"}

    again = start(boss, campaign, page, **period)

    assert "It ends before it begins." in again.content.decode()
    assert not Backtest.objects.exists()


def test_what_was_made_up_is_not_tried(boss: Client, campaign: Campaign) -> None:
    page = boss.post(f"{BASE}{campaign.pk}/start/", {"tried": "made:up"}, follow=True)

    assert "Try them again from here" in said(page)
    assert not Backtest.objects.exists()


def test_one_that_runs_shows_how_far_it_is(boss: Client, campaign: Campaign) -> None:
    start(boss, campaign, asked(boss, campaign))
    Backtest.objects.update(status="running", finished_at=None, total_referrals=4)
    backtest = Backtest.objects.get()

    page = boss.get(f"{BASE}{backtest.pk}/progress/").content.decode()

    assert "1 of 4 referrals so far" in page
    assert 'data-busy="yes"' in page


def test_the_list_says_what_was_tried(boss: Client, campaign: Campaign) -> None:
    start(boss, campaign, asked(boss, campaign, milestone_minimum="10"))

    assert "minimum amount" in boss.get(BASE).content.decode()


def test_who_may_only_look_tries_nothing(login: Login, campaign: Campaign) -> None:
    client = login("ana", "backtests.view_backtest", "referrals.view_campaign")

    page = client.get(f"/admin/referrals/campaign/{campaign.pk}/change/")

    assert "Try these rules" not in page.content.decode()
    assert client.get(BASE).status_code == 200
    for step in ("try", "start"):
        assert client.post(f"{BASE}{campaign.pk}/{step}/").status_code == 403
