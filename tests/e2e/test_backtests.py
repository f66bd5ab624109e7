"""Trying rules on the past, as somebody of the staff does it."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from referral_factory.backtests.models import Backtest
from referrals.models import Campaign
from tests.e2e.looks import LOOKS, fits, look_as, look_over
from tests.factories import make_campaign, make_rule
from tests.steps import referred, report

LIST = "/admin/backtests/backtest/"


@pytest.fixture
def campaign() -> Campaign:
    campaign = make_campaign(name="Bring a friend")
    make_rule(campaign=campaign)
    for amount in ("15", "25", "60", "12"):
        report(referred(campaign=campaign).friend, amount)
    return campaign


def ask(page: Page, campaign: Campaign) -> None:
    page.goto(f"/admin/referrals/campaign/{campaign.pk}/change/")
    page.locator("#id_milestone_minimum").fill("10")
    page.get_by_role("button", name="Try these rules").click()


def test_rules_are_tried_before_they_are_saved(
    page: Page, campaign: Campaign, accessible: Callable[[Page], None]
) -> None:
    ask(page, campaign)
    expect(page.get_by_role("row", name="minimum amount")).to_contain_text("10.00")
    accessible(page)
    page.get_by_label("The advocate gets").fill("12")
    page.get_by_role("button", name="Try these rules").click()

    expect(page.get_by_text("4 referrals with 4 events were judged")).to_be_visible()
    expect(page.get_by_role("row", name="Rewards of what")).to_contain_text("$28.00")
    expect(page.locator(".rf-timeline > li")).to_have_count(2)
    accessible(page)
    campaign.refresh_from_db()
    assert campaign.milestone_minimum == Decimal(20)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_backtests_look_well(
    page: Page,
    campaign: Campaign,
    accessible: Callable[[Page], None],
    width: str,
    scheme: str,
) -> None:
    look_as(page, width, scheme)
    ask(page, campaign)
    assert fits(page)
    accessible(page)
    page.get_by_role("button", name="Try these rules").click()
    expect(page.get_by_text("would qualify")).to_be_visible()

    result = f"{LIST}{Backtest.objects.get().pk}/change/"
    look_over(page, accessible, LIST, result)
