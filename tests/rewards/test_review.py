"""Signs that a person should look: pure functions over gathered facts."""

from dataclasses import replace
from decimal import Decimal

import pytest

from rewards.review import PersonFacts, Policy, RewardFacts, review

ANN = PersonFacts("ann@shop.example", frozenset({("192.0.2.1", "Firefox")}))
BOB = PersonFacts("bob@shop.example", frozenset({("192.0.2.2", "Safari")}))
FACTS = RewardFacts(Decimal("10.00"), "USD", advocate=ANN, friend=BOB)
POLICY = Policy(amount_limit=Decimal("50.00"))


def codes(facts: RewardFacts, policy: Policy = POLICY) -> list[str]:
    return [reason["code"] for reason in review(facts, policy)]


def test_ordinary_reward_gives_no_reason() -> None:
    assert review(FACTS, POLICY) == []


def test_shared_address_and_agent_are_a_reason_with_what_was_seen() -> None:
    friend = replace(BOB, visits=BOB.visits | ANN.visits)

    (reason,) = review(replace(FACTS, friend=friend), POLICY)

    assert reason["code"] == "same_address_and_agent"
    assert reason["evidence"] == {"address": "192.0.2.1", "user_agent": "Firefox"}


@pytest.mark.parametrize(
    "visits",
    [
        {("192.0.2.1", "Safari")},  # an office, a family: one address, two browsers
        {("192.0.2.2", "Firefox")},
        set(),
    ],
)
def test_one_of_both_alone_is_no_reason(visits: set[tuple[str, str]]) -> None:
    friend = replace(BOB, visits=frozenset(visits))
    assert codes(replace(FACTS, friend=friend)) == []


def test_alike_mailboxes_are_a_reason_that_shows_both() -> None:
    friend = replace(BOB, email="ann+2@shop.example")

    (reason,) = review(replace(FACTS, friend=friend), POLICY)

    assert reason["code"] == "similar_mailbox"
    assert reason["evidence"] == {
        "advocate": "ann@shop.example",
        "friend": "ann+2@shop.example",
    }


def test_marks_of_the_referral_are_a_reason_that_shows_each() -> None:
    mark = {"code": "click_after_enrolment", "detail": "They clicked too late."}

    (reason,) = review(replace(FACTS, marks=(mark,)), POLICY)

    assert reason["code"] == "doubtful_attribution"
    assert reason["evidence"] == {"click_after_enrolment": "They clicked too late."}


def test_missing_mailbox_is_like_no_other() -> None:
    friend = replace(BOB, email=None)
    assert codes(replace(FACTS, friend=friend)) == []
    advocate = replace(ANN, email=None)
    assert codes(replace(FACTS, advocate=advocate, friend=friend)) == []


@pytest.mark.parametrize(
    ("amount", "found"),
    [("49.99", []), ("50.00", []), ("50.01", ["amount_over_limit"])],
)
def test_amount_above_the_limit_is_a_reason(amount: str, found: list[str]) -> None:
    assert codes(replace(FACTS, amount=Decimal(amount))) == found


def test_without_a_limit_no_amount_is_too_much() -> None:
    facts = replace(FACTS, amount=Decimal(10**9))
    assert codes(facts, Policy(amount_limit=None)) == []


def test_limit_of_zero_is_a_limit() -> None:
    assert codes(FACTS, Policy(amount_limit=Decimal(0))) == ["amount_over_limit"]


def test_all_reasons_are_given_at_once() -> None:
    twin = replace(ANN, email="ann1@shop.example")
    facts = replace(FACTS, friend=twin, amount=Decimal(100))

    assert codes(facts) == [
        "same_address_and_agent",
        "similar_mailbox",
        "amount_over_limit",
    ]
