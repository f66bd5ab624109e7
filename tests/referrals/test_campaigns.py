"""A campaign's life, its checklist, its versions and its clock."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from referral_factory.errors import InvalidInput
from referral_factory.ids import new_id
from referral_factory.states import IllegalTransition
from referrals import checklist
from referrals.models import Campaign
from referrals.services.campaigns import (
    ClockGoesForwardOnly,
    CurrencyIsFixed,
    IncompleteCampaign,
    NoClock,
    change_campaign,
    create_campaign,
    end_campaign,
    launch_campaign,
    move_clock,
    pause_campaign,
    resume_campaign,
)
from tests.factories import make_campaign, make_endpoint, make_rule
from tests.steps import DAY, NOON
from webhooks.models import Message

IN_1997 = datetime(1997, 1, 1, tzinfo=UTC)


def ready_draft(**fields: object) -> Campaign:
    campaign = make_campaign(**{"status": "draft", "launched_at": None, **fields})
    make_rule(campaign=campaign)
    make_endpoint(mode=campaign.mode)
    return campaign


def missing(campaign: Campaign) -> set[str]:
    return {item.name for item in checklist.items(campaign) if not item.done}


def test_complete_draft_is_launched() -> None:
    campaign = ready_draft()

    launch_campaign(campaign, wall=NOON)

    campaign.refresh_from_db()
    assert (campaign.status, campaign.launched_at) == ("live", NOON)
    assert Message.objects.get().type == "campaign.launched"


def test_empty_draft_lacks_all_of_the_list() -> None:
    campaign = create_campaign(mode="test", name="C", slug="c", currency="USD")

    assert missing(campaign) == {
        "owner",
        "enrolment_path",
        "milestone",
        "review_policy",
        "reward_rule",
        "way_to_hear_of_it",
    }
    with pytest.raises(IncompleteCampaign) as refusal:
        launch_campaign(campaign, wall=NOON)
    assert set(refusal.value.facts["missing"]) == missing(campaign)
    campaign.refresh_from_db()
    assert campaign.status == "draft"


@pytest.mark.parametrize(
    ("field", "value", "item"),
    [
        ("owner", "", "owner"),
        ("landing_url", "", "enrolment_path"),
        ("milestone_event", "", "milestone"),
        ("review", None, "review_policy"),
    ],
)
def test_each_item_is_missed(field: str, value: object, item: str) -> None:
    assert missing(ready_draft(**{field: value})) == {item}


def test_retired_rule_is_no_rule() -> None:
    campaign = ready_draft()
    campaign.reward_rules.update(retired_at=NOON)
    assert missing(campaign) == {"reward_rule"}


def test_rule_in_another_currency_is_no_rule() -> None:
    campaign = change_campaign(ready_draft(), currency="EUR")
    assert missing(campaign) == {"reward_rule"}


def test_minimum_has_no_more_places_than_its_currency() -> None:
    with pytest.raises(InvalidInput, match="JPY has 0 decimal places"):
        change_campaign(ready_draft(currency="JPY"), milestone_minimum=Decimal("9.5"))


@pytest.mark.parametrize(
    "fields",
    [
        {"mode": "live"},
        {"status": "disabled", "disabled_reason": "x"},
        {"deleted_at": NOON},
        {"campaign_ids": [new_id()]},
    ],
)
def test_endpoint_must_be_able_to_hear(fields: dict[str, object]) -> None:
    campaign = make_campaign(status="draft", launched_at=None)
    make_rule(campaign=campaign)
    make_endpoint(**fields)
    assert missing(campaign) == {"way_to_hear_of_it"}


def test_life_goes_from_draft_to_its_end() -> None:
    campaign = ready_draft()

    launch_campaign(campaign, wall=NOON)
    pause_campaign(campaign)
    resume_campaign(campaign)
    end_campaign(campaign, wall=NOON + DAY)

    campaign.refresh_from_db()
    assert (campaign.status, campaign.ended_at) == ("ended", NOON + DAY)
    types = Message.objects.order_by("sequence").values_list("type", flat=True)
    assert list(types) == [
        "campaign.launched",
        "campaign.paused",
        "campaign.resumed",
        "campaign.ended",
    ]


def test_resuming_is_no_way_around_the_checklist() -> None:
    campaign = make_campaign(status="draft", owner="", launched_at=None)
    with pytest.raises(IllegalTransition):
        resume_campaign(campaign)
    campaign.refresh_from_db()
    assert campaign.status == "draft"


@pytest.mark.parametrize("status", ["live", "paused", "ended"])
def test_campaign_is_launched_once(status: str) -> None:
    campaign = ready_draft(status=status, launched_at=NOON, ended_at=NOON)
    with pytest.raises(IllegalTransition):
        launch_campaign(campaign, wall=NOON + DAY)
    campaign.refresh_from_db()
    assert campaign.launched_at == NOON


# --- Rules --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "version"),
    [
        ({"milestone_minimum": Decimal(30)}, 2),
        ({"milestone_event": "signup"}, 2),
        ({"holding_days": 3}, 2),
        ({"reversal_events": ["refund"]}, 2),
        ({"milestone_minimum": Decimal("20.00")}, 1),
        ({"name": "Other"}, 1),
        ({}, 1),
    ],
)
def test_other_rules_are_a_new_version(changes: dict[str, Any], version: int) -> None:
    assert change_campaign(make_campaign(), **changes).version == version


def test_currency_is_fixed_by_the_launch() -> None:
    draft = make_campaign(status="draft")
    assert change_campaign(draft, currency="EUR").currency == "EUR"
    with pytest.raises(CurrencyIsFixed):
        change_campaign(make_campaign(), currency="EUR")


def test_slug_of_another_campaign_is_refused_by_name() -> None:
    make_campaign(slug="spring")
    with pytest.raises(InvalidInput) as refusal:
        create_campaign(mode="test", name="C", slug="spring", currency="USD")
    assert refusal.value.pointer == "/slug"
    with pytest.raises(InvalidInput):
        change_campaign(make_campaign(), slug="spring")


# --- The clock ----------------------------------------------------------------------


def test_draft_may_start_in_any_year() -> None:
    campaign = make_campaign(status="draft")

    move_clock(campaign, to=IN_1997, wall=NOON)

    campaign.refresh_from_db()
    assert campaign.now(NOON) == IN_1997
    assert campaign.now(NOON + DAY) == IN_1997 + DAY  # it ticks


def test_running_clock_goes_forward_only() -> None:
    campaign = make_campaign(clock_offset=IN_1997 - NOON)

    move_clock(campaign, to=IN_1997 + DAY, wall=NOON)
    with pytest.raises(ClockGoesForwardOnly):
        move_clock(campaign, to=IN_1997 + DAY - timedelta(seconds=1), wall=NOON)

    campaign.refresh_from_db()
    assert campaign.now(NOON) == IN_1997 + DAY


def test_clock_that_was_moved_meanwhile_is_not_moved_back() -> None:
    campaign = make_campaign()
    stale = Campaign.objects.get()
    move_clock(campaign, to=NOON + 10 * DAY, wall=NOON)

    with pytest.raises(ClockGoesForwardOnly):
        move_clock(stale, to=NOON + 5 * DAY, wall=NOON)


def test_live_campaign_has_no_clock_of_its_own() -> None:
    with pytest.raises(NoClock):
        move_clock(make_campaign(mode="live"), to=NOON + DAY, wall=NOON)
