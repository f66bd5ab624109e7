"""Conditions: what a campaign asks of an event beside its name and amount."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from referral_factory.expressions import BadExpression, Place
from referrals.conditions import (
    VARIABLES,
    asks_about_people,
    compile_condition,
    holds,
    refuse_other_than_truth,
)
from referrals.facts import (
    CampaignFacts,
    EventFacts,
    Facts,
    PersonFacts,
    ReferralFacts,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORDER = EventFacts(
    "order",
    Decimal("60.00"),
    "USD",
    NOON,
    event_id="o-1",
    source="api",
    properties={"plan": "pro", "items": [{"sku": "A-1"}, {"sku": "B-2"}]},
)
FRIEND = PersonFacts(
    external_id="c-1",
    email="friend@example.com",
    status="active",
    source="api",
    attributes={"country": "DE"},
    created_at=NOON - timedelta(days=2),
)
FACTS = Facts(
    event=ORDER,
    person_known=True,
    referral=ReferralFacts("pending", NOON - timedelta(days=1), NOON, way="code"),
    friend=FRIEND,
    advocate=replace(FRIEND, email=None, attributes={}),
    campaign=CampaignFacts("spring", "live", "USD", None),
)


@pytest.mark.parametrize(
    "text",
    [
        "event.amount >= 60",
        "event.name == 'order' && event.event_id == 'o-1' && event.source == 'api'",
        "event.properties.items.exists(item, item.sku.startsWith('A-'))",
        "event.occurred_at - referral.created_at < duration('36h')",
        "days_between(friend.created_at, event.occurred_at) == 2.0",
        "friend.attributes.country in ['DE', 'AT']",
        "has(friend.email) && !has(advocate.email)",
        "friend.email != advocate.external_id",
        "referral.way == 'code' && size(referral.marks) == 0",
        "campaign.currency == event.currency && !has(campaign.launched_at)",
    ],
)
def test_a_condition_reads_what_is_known(text: str) -> None:
    check = holds(text, FACTS)
    assert check.passed, check.detail


def test_no_condition_is_always_met() -> None:
    assert holds("", FACTS).passed
    assert holds(" \n", FACTS).passed


def test_the_amount_is_what_was_not_taken_back() -> None:
    partly = replace(FACTS, event=replace(ORDER, taken_back=Decimal("20.00")))
    assert holds("event.amount == 40", partly).passed


def test_what_is_not_true_is_named_without_values() -> None:
    check = holds("event.amount >= 50 && friend.attributes.country == 'US'", FACTS)
    assert not check.passed
    assert check.detail == "Not true: friend.attributes.country == 'US'"
    assert check.saw == {"event.amount": "60.00", "friend.attributes.country": "DE"}


def test_an_event_without_a_field_does_not_match_and_says_why() -> None:
    check = holds("event.properties.plna == 'pro'", FACTS)
    assert not check.passed
    assert "event.properties has no field plna; did you mean plan?" in check.detail
    assert (
        "has no field amount"
        in holds(
            "event.amount > 1", replace(FACTS, event=replace(ORDER, amount=None))
        ).detail
    )


def test_what_was_saved_before_a_limit_was_set_does_not_match() -> None:
    check = holds("event.amuont > 1", FACTS)
    assert not check.passed
    assert "did you mean amount?" in check.detail


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("", False),
        ("event.amount > 5 && referral.way == 'code'", False),
        ("event.amount > 5 || advocate.status == 'active'", True),
        ("has(friend.email)", True),
        ("event.amuont > 5", False),
    ],
)
def test_people_are_read_where_a_condition_asks_about_them(
    text: str, asks: bool
) -> None:
    assert asks_about_people(text) is asks


def test_what_counts_does_not_depend_on_what_was_decided_before() -> None:
    with pytest.raises(BadExpression, match="referral has no field status"):
        compile_condition("referral.status == 'pending'")


def test_every_field_can_be_read_of_facts_that_know_nothing() -> None:
    """No field makes a decision fail, whatever is missing."""
    unknown = Facts(EventFacts("order", None, "", NOON), False, None)
    for name, fields in VARIABLES.items():
        for field in fields:
            for facts in (FACTS, unknown):
                assert holds(f"has({name}.{field}) || true", facts).passed


@pytest.mark.parametrize(
    ("text", "detail", "place"),
    [
        ("event.amount", "a number with decimals instead of true or false", (1, 1)),
        ("has(event.amount) && event.name", "a text instead of true or", (1, 22)),
        ("true &&\nevent.amount * 2 > 10", "reckon with 2.0, not 2", (2, 1)),
        ("event.name > 3", "event.name is a text", (1, 1)),
        ("event.occurred_at > timestamp('2026-01-31')", "2026-01-31T12:00", (1, 1)),
        ("event.occurred_at > '2026-01-31'", "event.occurred_at is a moment", (1, 1)),
    ],
)
def test_what_could_never_be_judged_is_refused(
    text: str, detail: str, place: tuple[int, int]
) -> None:
    with pytest.raises(BadExpression) as caught:
        refuse_other_than_truth(text)
    assert detail in caught.value.detail
    assert caught.value.place == Place(*place)


@pytest.mark.parametrize(
    "text",
    [
        "event.properties.vip",
        "event.properties.age * 2 > 18",
        "100 / size(referral.marks) > 3",
        "referral.marks[0] == 'x'",
    ],
)
def test_what_some_events_may_answer_is_not_refused(text: str) -> None:
    refuse_other_than_truth(text)
