"""Sentences: each thing that can be decided has one, and says no name of a person."""

import ast
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from referrals import attribution, conditions, ledger, qualification, telling
from referrals.facts import Milestone
from referrals.models import Event, Participant, Referral, ReferralChange

Status = Referral.Status


def asked(module: Any) -> Iterator[str]:
    """Every check that a module makes, by its name."""
    for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Check":
            name = node.args[0]
            assert isinstance(name, ast.Constant)
            yield str(name.value)


@pytest.mark.parametrize("module", [attribution, conditions, ledger, qualification])
def test_every_check_is_a_question(module: Any) -> None:
    assert set(asked(module)) - set(telling.QUESTIONS) == set()
    assert set(asked(module))


def test_every_outcome_way_and_status_has_its_words() -> None:
    assert set(telling.OUTCOMES) == set(Event.Outcome)
    assert set(telling.WAYS) == set(Referral.Way)
    assert set(telling.STANDS) == set(Status)
    assert set(telling.ENROLLED_BY) == set(Participant.Source)


def test_every_move_has_its_words() -> None:
    moves = {(a, b) for a, then in Referral.TRANSITIONS.items() for b in then}
    assert moves - set(telling.MOVES) == set()


def event(**fields: Any) -> Event:
    defaults = {"name": "purchase", "event_id": "o-1", "outcome": "recorded"}
    return Event(**{**defaults, **fields})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"outcome": "qualified"}, "purchase o-1 reached the milestone."),
        (
            {"outcome": "not_matched", "amount": Decimal("5.0000"), "currency": "USD"},
            "purchase o-1 (5.00 USD) does not count.",
        ),
        (
            {"outcome": "reversed", "name": "refund", "reverses": "o-0"},
            "refund o-1 took back o-0.",
        ),
        (
            {
                **{"outcome": "reversed", "name": "refund", "reverses": "o-0"},
                **{"amount": Decimal("5.0000"), "currency": "USD"},
            },
            "refund o-1 took back 5.00 USD of o-0.",
        ),
        ({"outcome": "recorded"}, "purchase o-1 was kept; it decides nothing."),
        (
            {"outcome": "recorded", "counts": True},
            "purchase o-1 was kept; the referral had reached its milestone before.",
        ),
    ],
)
def test_an_event_is_told_by_its_outcome(fields: dict[str, Any], said: str) -> None:
    assert telling.outcome_in_words(event(**fields)) == said


def check(name: str, passed: bool, detail: str) -> dict[str, Any]:
    return {"check": name, "passed": passed, "detail": detail}


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        ([], ""),
        ([check("a", True, "One."), check("b", True, "Two.")], "Two."),
        ([check("a", False, "One."), check("b", True, "Two.")], "One."),
        ([check("count_reached", False, "2 of 3")], "2 of 3."),
        (
            [
                check("milestone_still_reached", False, "0 of 1"),
                check("reversal_policy", True, "It stays."),
            ],
            "0 of 1. It stays.",
        ),
    ],
)
def test_the_first_no_settles_it(checks: list[dict[str, Any]], said: str) -> None:
    assert telling.why(checks) == said


def test_braces_in_a_name_are_only_text() -> None:
    odd = event(name="{event.__class__}", event_id="{0}", outcome="qualified")
    said = telling.outcome_in_words(odd)
    assert said == "{event.__class__} {0} reached the milestone."


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("rules", "The referral counts."),
        ("user:ana", "A person made the referral count."),
        ("key:key_1", "A person made the referral count."),
    ],
)
def test_a_move_says_whether_a_person_made_it(by: str, said: str) -> None:
    change = ReferralChange(from_status="pending", to_status="qualified", decided_by=by)
    assert telling.move_in_words(change) == said


@pytest.mark.parametrize(
    ("actor", "said"),
    [
        ("user:ana", "ana"),
        ("key:key_01", "the API key key_01"),
        ("rules", "the rules"),
        ("", ""),
    ],
)
def test_actors_are_named(actor: str, said: str) -> None:
    assert telling.actor_in_words(actor) == said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("api", "the API"),
        ("", "the API"),
        ("src_01", "the source src_01"),
        ("imp_01", "the import imp_01"),
        ("user:ana", "ana"),
        ("queue:orders", "the queue orders"),
        ("queue", "the queue"),
    ],
)
def test_roads_are_named(source: str, said: str) -> None:
    assert telling.road_in_words(source) == said


RULES = Milestone(
    event_name="purchase",
    minimum=None,
    currency="USD",
    within=timedelta(days=90),
    holding=timedelta(),
    match=timedelta(days=7),
    reversal_events=(),
    version=1,
)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({}, "purchase, within 90 days"),
        ({"event_name": ""}, "not set"),
        ({"count": 3}, "3 times purchase, within 90 days"),
        ({"sum": Decimal(500)}, "purchase, 500.00 USD in all, within 90 days"),
        (
            {"minimum": Decimal(20), "holding": timedelta(days=1)},
            "purchase of 20.00 USD or more, within 90 days; then held for 1 day",
        ),
        (
            {"condition": "event.amount > 1"},
            "purchase for which the condition is true, within 90 days",
        ),
    ],
)
def test_a_milestone_is_put_in_words(rules: dict[str, Any], said: str) -> None:
    fields = {**RULES.__dict__, **rules}
    assert telling.milestone_in_words(Milestone(**fields)) == said
