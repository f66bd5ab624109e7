"""Asking is pure: from facts and rules to whether an event counts, and why."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from referrals.facts import EventFacts, Facts, Milestone, ReferralFacts
from referrals.models import Event
from referrals.qualification import Answer, ask, progress, still_counts
from tests.steps import DAY, NOON

Outcome = Event.Outcome

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
    "event_is_milestone",
    "participant_known",
    "referral_known",
    "referral_is_pending",
    "within_window",
    "after_the_click",
    "not_reversed",
    "currency_matches",
    "amount_reached",
    "condition",
]


def with_event(**changes: object) -> Facts:
    return replace(FACTS, event=replace(EVENT, **changes))  # type: ignore[arg-type]


def with_referral(**changes: object) -> Facts:
    return replace(FACTS, referral=replace(REFERRAL, **changes))  # type: ignore[arg-type]


def last_detail(answer: Answer) -> str:
    return answer.checks[-1].detail


def test_all_questions_answered_yes_leave_it_to_what_counts_so_far() -> None:
    answer = ask(FACTS, MILESTONE)

    assert (answer.outcome, answer.counts) == (None, True)
    assert [check.check for check in answer.checks] == ORDER
    assert all(check.passed for check in answer.checks)


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
    answer = ask(facts, MILESTONE)

    assert (answer.outcome, answer.counts) == (outcome, False)
    assert answer.checks[-1].check == question
    assert not answer.checks[-1].passed
    assert last_detail(answer) == saw
    assert all(check.passed for check in answer.checks[:-1])


@pytest.mark.parametrize("status", ["holding", "qualified"])
@pytest.mark.parametrize(("amount", "counts"), [("20", True), ("19", False)])
def test_event_after_the_milestone_is_recorded_and_may_count(
    status: str, amount: str, counts: bool
) -> None:
    facts = replace(
        with_event(amount=Decimal(amount)), referral=replace(REFERRAL, status=status)
    )

    answer = ask(facts, MILESTONE)

    assert (answer.outcome, answer.counts) == (Outcome.RECORDED, counts)
    first_no = next(check for check in answer.checks if not check.passed)
    assert first_no.detail == f"The referral is {status}."


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
    assert ask(with_event(occurred_at=moment), MILESTONE).counts == counts


def test_no_minimum_asks_for_no_amount() -> None:
    milestone = replace(MILESTONE, minimum=None)
    facts = with_event(amount=None, currency="")

    assert ask(facts, milestone).counts


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


# --- Taking back, and how far what counts reaches -----------------------------------


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"amount": Decimal(50), "taken_back": Decimal(30)}, True),
        ({"taken_back": Decimal("0.01")}, False),
        ({"taken_back": Decimal(20), "wholly_taken_back": True}, False),
    ],
)
def test_event_counts_for_what_is_left_of_it(
    changes: dict[str, object], counts: bool
) -> None:
    assert still_counts(with_event(**changes), MILESTONE) == counts


def test_condition_is_asked_of_what_is_left() -> None:
    rules = replace(MILESTONE, minimum=None, condition="event.amount >= 15.0")
    assert still_counts(with_event(taken_back=Decimal(5)), rules)
    assert not still_counts(with_event(taken_back=Decimal(6)), rules)


def test_first_event_is_the_milestone_where_nothing_else_is_said() -> None:
    assert progress(1, Decimal(20), MILESTONE) is None


@pytest.mark.parametrize(
    ("number", "reached", "said"), [(2, False, "2 of 3"), (3, True, "3 of 3")]
)
def test_count_says_how_far_it_is(number: int, reached: bool, said: str) -> None:
    check = progress(number, Decimal(0), replace(MILESTONE, count=3))
    assert check is not None
    assert (check.check, check.passed, check.detail) == ("count_reached", reached, said)


@pytest.mark.parametrize(
    ("total", "reached", "said"),
    [
        ("120", False, "120.00 of 500.00 USD"),
        ("499.99", False, "499.99 of 500.00 USD"),
        ("500", True, "500.00 of 500.00 USD"),
    ],
)
def test_sum_says_how_far_it_is(total: str, reached: bool, said: str) -> None:
    check = progress(1, Decimal(total), replace(MILESTONE, sum=Decimal(500)))
    assert check is not None
    assert (check.check, check.passed, check.detail) == ("sum_reached", reached, said)


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(minutes=5), -DAY])
def test_clock_that_is_a_little_off_loses_no_event(ahead: timedelta) -> None:
    facts = with_referral(clicked_at=NOON + ahead)
    assert ask(facts, MILESTONE).counts
