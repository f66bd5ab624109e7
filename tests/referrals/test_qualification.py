"""Deciding is pure: from facts and rules to an outcome with its reasons."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from referrals.facts import EventFacts, Facts, Milestone, ReferralFacts
from referrals.models import Event, Referral
from referrals.qualification import Decision, decide, decide_reversal
from tests.steps import DAY, NOON

Outcome = Event.Outcome
Status = Referral.Status

MILESTONE = Milestone(
    event_name="purchase",
    minimum=Decimal(20),
    currency="USD",
    within=90 * DAY,
    holding=timedelta(),
    match=7 * DAY,
    reversal_events=("refund",),
    version=3,
)
EVENT = EventFacts("purchase", Decimal("20.00"), "USD", NOON)
REFERRAL = ReferralFacts("pending", NOON - DAY, NOON + 89 * DAY)
FACTS = Facts(EVENT, person_known=True, referral=REFERRAL)
ORDER = [
    "participant_known",
    "referral_known",
    "event_is_milestone",
    "referral_is_pending",
    "within_window",
    "after_the_click",
    "not_reversed",
    "currency_matches",
    "amount_reached",
]


def with_event(**changes: object) -> Facts:
    return replace(FACTS, event=replace(EVENT, **changes))  # type: ignore[arg-type]


def with_referral(**changes: object) -> Facts:
    return replace(FACTS, referral=replace(REFERRAL, **changes))  # type: ignore[arg-type]


def last_detail(decision: Decision) -> str:
    return decision.checks[-1].detail


def test_all_questions_answered_yes_qualify_in_order() -> None:
    decision = decide(FACTS, MILESTONE, NOON)

    assert decision.outcome == Outcome.QUALIFIED
    assert [check.check for check in decision.checks] == ORDER
    assert all(check.passed for check in decision.checks)


@pytest.mark.parametrize(
    ("facts", "outcome", "question", "saw"),
    [
        (
            replace(FACTS, person_known=False, referral=None),
            Outcome.UNMATCHED,
            "participant_known",
            "Nobody like that yet.",
        ),
        (
            replace(FACTS, referral=None),
            Outcome.UNMATCHED,
            "referral_known",
            "Not referred yet.",
        ),
        (
            with_event(name="login"),
            Outcome.RECORDED,
            "event_is_milestone",
            "It is 'login'; the milestone is 'purchase'.",
        ),
        (
            with_referral(status="qualified"),
            Outcome.RECORDED,
            "referral_is_pending",
            "The referral is qualified.",
        ),
        (
            with_referral(status="holding"),
            Outcome.RECORDED,
            "referral_is_pending",
            "The referral is holding.",
        ),
        (
            with_referral(status="expired"),
            Outcome.NOT_MATCHED,
            "referral_is_pending",
            "The referral is expired.",
        ),
        (
            with_referral(status="disqualified"),
            Outcome.NOT_MATCHED,
            "referral_is_pending",
            "The referral is disqualified.",
        ),
        (
            with_referral(clicked_at=NOON + timedelta(minutes=6)),
            Outcome.NOT_MATCHED,
            "after_the_click",
            "It happened on 2026-03-01 12:00 UTC, the click on 2026-03-01 12:06 UTC.",
        ),
        (
            with_event(occurred_at=NOON - 9 * DAY),
            Outcome.NOT_MATCHED,
            "within_window",
            "It happened on 2026-02-20 12:00 UTC; what counts is 2026-02-21 12:00 to "
            "2026-05-29 12:00 UTC.",
        ),
        (
            with_event(wholly_taken_back=True),
            Outcome.NOT_MATCHED,
            "not_reversed",
            "It had been taken back before.",
        ),
        (
            with_event(currency="EUR"),
            Outcome.NOT_MATCHED,
            "currency_matches",
            "The amount is in EUR; the campaign's currency is USD.",
        ),
        (
            with_event(amount=Decimal("19.99")),
            Outcome.NOT_MATCHED,
            "amount_reached",
            "The amount is 19.99 USD; the minimum is 20.00.",
        ),
        (
            with_event(amount=Decimal(30), taken_back=Decimal("10.01")),
            Outcome.NOT_MATCHED,
            "amount_reached",
            "The amount is 19.99 USD; the minimum is 20.00.",
        ),
        (
            with_event(amount=None, currency=""),
            Outcome.NOT_MATCHED,
            "amount_reached",
            "The amount is 0.00 USD; the minimum is 20.00.",
        ),
    ],
)
def test_first_no_gives_the_outcome_and_says_what_it_saw(
    facts: Facts, outcome: Outcome, question: str, saw: str
) -> None:
    decision = decide(facts, MILESTONE, NOON)

    assert decision.outcome == outcome
    assert decision.checks[-1].check == question
    assert not decision.checks[-1].passed
    assert last_detail(decision) == saw
    assert all(check.passed for check in decision.checks[:-1])


@pytest.mark.parametrize(
    ("moment", "counts"),
    [
        (REFERRAL.created_at - 7 * DAY, True),
        (REFERRAL.created_at - 7 * DAY - timedelta(seconds=1), False),
        (REFERRAL.expires_at, True),
        (REFERRAL.expires_at + timedelta(seconds=1), False),
    ],
)
def test_window_is_exact_to_the_second(moment: object, counts: bool) -> None:
    decision = decide(with_event(occurred_at=moment), MILESTONE, NOON)
    assert (decision.outcome == Outcome.QUALIFIED) == counts


def test_no_minimum_asks_for_no_amount() -> None:
    milestone = replace(MILESTONE, minimum=None)
    facts = with_event(amount=None, currency="")

    assert decide(facts, milestone, NOON).outcome == Outcome.QUALIFIED


def test_holding_period_runs_from_the_report() -> None:
    milestone = replace(MILESTONE, holding=14 * DAY)

    decision = decide(with_event(occurred_at=NOON - DAY), milestone, NOON)

    assert decision.outcome == Outcome.HOLDING
    assert decision.holds_until == NOON + 14 * DAY
    assert last_detail(decision) == "Held until 2026-03-15 12:00 UTC."


def test_rules_are_kept_with_what_they_decided() -> None:
    assert MILESTONE.as_json() == {
        "version": 3,
        "event_name": "purchase",
        "minimum_amount": "20",
        "condition": "",
        "count": None,
        "sum": None,
        "currency": "USD",
        "within_days": 90,
        "holding_days": 0,
        "match_days": 7,
        "reversal_events": ["refund"],
        "reversal_policy": "take_back",
    }


def test_kept_rules_are_read_as_they_were() -> None:
    assert Milestone.from_json(MILESTONE.as_json()) == MILESTONE


def test_minimum_of_zero_is_kept_as_zero() -> None:
    assert replace(MILESTONE, minimum=Decimal(0)).as_json()["minimum_amount"] == "0"


# --- Taking back --------------------------------------------------------------------

PART = replace(EVENT, taken_back=Decimal("0.01"))
WHOLE = replace(EVENT, taken_back=Decimal(20), wholly_taken_back=True)
HARMLESS = replace(EVENT, amount=Decimal(50), taken_back=Decimal(30))


@pytest.mark.parametrize(
    ("taken_back", "status", "moves_to"),
    [
        (HARMLESS, "qualified", None),
        (HARMLESS, "holding", None),
        (PART, "holding", Status.PENDING),
        (PART, "qualified", Status.DISQUALIFIED),
        (PART, "disqualified", None),
        (WHOLE, "holding", Status.DISQUALIFIED),
        (WHOLE, "qualified", Status.DISQUALIFIED),
        (WHOLE, "disqualified", None),
        (WHOLE, None, None),
    ],
)
def test_what_is_left_decides_where_the_referral_goes(
    taken_back: EventFacts, status: str | None, moves_to: Status | None
) -> None:
    assert decide_reversal(taken_back, status, MILESTONE).moves_to == moves_to


def test_reversal_says_what_is_left() -> None:
    decision = decide_reversal(PART, "qualified", MILESTONE)

    assert [check.detail for check in decision.checks] == [
        "It settled the referral (qualified).",
        "19.99 is left of it; the minimum is 20.",
    ]


def test_whole_reversal_counts_even_without_a_minimum() -> None:
    milestone = replace(MILESTONE, minimum=None)
    assert decide_reversal(WHOLE, "qualified", milestone).moves_to == "disqualified"


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(minutes=5), -DAY])
def test_clock_that_is_a_little_off_loses_no_event(ahead: timedelta) -> None:
    facts = with_referral(clicked_at=NOON + ahead)
    assert decide(facts, MILESTONE, NOON).outcome == Outcome.QUALIFIED
