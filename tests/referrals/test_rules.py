"""The rules of a campaign: what is refused when they are saved, and what is kept."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from referral_factory.errors import InvalidInput
from referrals.models import Campaign, Event, MilestoneVersion, Referral
from referrals.services import rules
from referrals.services.campaigns import change_campaign, create_campaign
from referrals.services.rules import try_condition
from tests.factories import make_campaign, make_referral
from tests.steps import referred, report

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def make(**fields: Any) -> Campaign:
    given = {"mode": "test", "name": "C", "slug": "c", "currency": "USD"}
    return create_campaign(**{**given, **fields})


def make_event(referral: Referral, **fields: Any) -> Event:
    n = Event.objects.count()
    defaults = {
        "campaign": referral.campaign,
        "participant": referral.friend,
        "referral": referral,
        "event_id": f"e-{n}",
        "name": "purchase",
        "occurred_at": NOON,
        "outcome": "recorded",
    }
    return Event.objects.create(**{**defaults, **fields})


def refusal(campaign: Campaign, **changes: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        change_campaign(campaign, **changes)
    return caught.value


# --- Versions ---


def test_rules_are_kept_from_the_first() -> None:
    campaign = make(milestone_event="purchase", by="key:key_1")
    [kept] = MilestoneVersion.objects.all()
    assert (kept.campaign, kept.version, kept.made_by) == (campaign, 1, "key:key_1")
    assert kept.terms["event_name"] == "purchase"


def test_each_change_of_the_rules_is_kept_with_who_made_it() -> None:
    campaign = make(milestone_event="purchase", by="key:key_1")
    change_campaign(campaign, milestone_condition="event.amount > 5", by="user:ada")
    change_campaign(campaign, name="Other", by="user:bob")

    newest, oldest = MilestoneVersion.objects.all()
    assert (newest.version, newest.made_by) == (2, "user:ada")
    assert newest.terms["condition"] == "event.amount > 5"
    assert (oldest.version, oldest.terms["condition"]) == (1, "")


def test_rules_from_before_versions_were_kept_are_kept_by_the_next_change() -> None:
    campaign = make_campaign()  # has no version yet
    change_campaign(campaign, holding_days=3, by="user:ada")
    kept = MilestoneVersion.objects.order_by("version")
    assert [(v.version, v.terms["holding_days"]) for v in kept] == [(1, 0), (2, 3)]


@pytest.mark.parametrize(
    "changes",
    [
        {"milestone_condition": "event.amount > 5"},
        {"milestone_count": 3},
        {"milestone_sum": Decimal(500)},
        {"reversal_policy": "ask"},
    ],
)
def test_each_of_the_rules_makes_a_version(changes: dict[str, Any]) -> None:
    assert change_campaign(make_campaign(), **changes).version == 2


# --- What is refused ---


def test_a_condition_that_names_no_field_is_refused_with_its_place() -> None:
    error = refusal(make_campaign(), milestone_condition="event.amuont > 5")
    assert error.pointer == "/milestone/condition"
    assert error.code == "bad_condition"
    assert str(error) == (
        "event has no field amuont; did you mean amount? (line 1, column 7)"
    )


@pytest.mark.parametrize("text", ["event.amount", "event.amount * 2 > 3", "1 +"])
def test_a_condition_that_could_not_be_judged_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        make(milestone_condition=text)


def test_a_count_and_a_sum_are_not_both_asked_for() -> None:
    error = refusal(make_campaign(milestone_count=3), milestone_sum=Decimal(5))
    assert error.code == "count_and_sum"
    changes: dict[str, Any] = {"milestone_sum": Decimal(5), "milestone_count": None}
    assert change_campaign(make_campaign(milestone_count=3), **changes).version == 2


def test_a_sum_has_no_more_places_than_the_currency() -> None:
    error = refusal(make_campaign(currency="JPY"), milestone_sum=Decimal("9.5"))
    assert error.pointer == "/milestone/sum"


# --- The dry run on the last events ---


def test_a_condition_is_tried_on_the_last_events() -> None:
    referral = make_referral()
    for plan in ("pro", "pro", "basic"):
        make_event(referral, properties={"plan": plan})
    make_event(referral, properties={})
    make_event(referral, name="visit", properties={"plan": "pro"})
    campaign = referral.campaign
    campaign.milestone_condition = "event.properties.plan == 'pro'"

    trial = try_condition(campaign)

    assert (trial.passed, trial.not_true, trial.not_judged) == (2, 1, 1)
    assert trial.reasons == ["event.properties has no field plan."]


def test_a_condition_that_an_event_answers_by_no_yes_or_no_is_refused() -> None:
    referral = make_referral()
    make_event(referral, properties={"vip": "yes"})
    error = refusal(referral.campaign, milestone_condition="event.properties.vip")
    assert "Tried on the last events: It gives a text instead" in str(error)


def test_a_field_that_no_event_had_yet_is_not_refused() -> None:
    referral = make_referral()
    make_event(referral, properties={})
    text = "event.properties.plan == 'pro'"
    assert change_campaign(referral.campaign, milestone_condition=text).version == 2


def test_a_condition_that_takes_too_long_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rules, "LONGEST_TRIAL", 0.0)  # seconds
    referral = make_referral()
    make_event(referral)
    error = refusal(referral.campaign, milestone_condition="event.name != 'x'")
    assert "It takes too long" in str(error)


def test_the_trial_knows_friend_and_advocate() -> None:
    referral = make_referral()
    make_event(referral, occurred_at=referral.created_at + timedelta(hours=1))
    campaign = referral.campaign
    campaign.milestone_condition = (
        "friend.email != advocate.email && friend.status == 'active'"
        " && event.occurred_at - referral.created_at < duration('2h')"
        " && campaign.currency == 'USD'"
    )
    assert try_condition(campaign).passed == 1


@pytest.mark.parametrize(
    ("asked", "lowered"),
    [
        ({"milestone_count": 3}, {"milestone_count": 1}),
        ({"milestone_sum": Decimal(100)}, {"milestone_sum": Decimal(20)}),
    ],
)
def test_lowering_what_is_asked_moves_nobody_until_their_next_event(
    asked: dict[str, Any], lowered: dict[str, Any]
) -> None:
    referral = referred(campaign=make_campaign(**asked))
    report(referral.friend, "25")

    referral.friend.campaign = change_campaign(referral.campaign, **lowered)
    referral.refresh_from_db()
    assert referral.status == "pending"

    assert report(referral.friend, "25").outcome == "qualified"
