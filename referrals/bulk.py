"""Many people in one call: each row answered by its number, and good rows kept."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from rest_framework import serializers

from referral_factory.lanes import Lanes
from referral_factory.wire import IdField
from referrals.bulk_rows import BulkFaultSerializer, RowReader, Sorted
from referrals.models import Campaign
from referrals.rows import Fault, read_person
from referrals.serializers import RefusedSerializer
from referrals.services.enrolling import known_as
from referrals.services.locks import lock_names_of
from referrals.services.participants import Enrolment, Person, Refusal, enrol_people

People = dict[Campaign, dict[int, Person]]  # each by the number of their row
Answers = dict[int, dict[str, Any]]  # by the number of the row

PART = 125  # rows: with two names each, they take their locks by themselves

OUTCOMES = ("created", "updated", "unchanged", "failed")


class BulkRowSerializer(serializers.Serializer[Any]):
    """What became of one row."""

    row = serializers.IntegerField(help_text="Its number: the first is 1.")
    status = serializers.IntegerField(help_text="As a call with this row alone has.")
    outcome = serializers.ChoiceField(OUTCOMES)
    id = IdField("ptc", allow_null=True)
    referral = IdField("ref", allow_null=True)
    same_person_as_row = serializers.IntegerField(required=False)
    refused_claims = RefusedSerializer(many=True, required=False)
    errors = BulkFaultSerializer(many=True, required=False)  # type: ignore[assignment]


class BulkSerializer(serializers.Serializer[Any]):
    """What became of all rows, and how many of each."""

    results = BulkRowSerializer(many=True)
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    failed = serializers.IntegerField()


@dataclass
class Bulk:
    """The rows of a call on their way to their answers.

    `find_campaign` raises InvalidInput where the caller knows no such campaign.
    """

    find_campaign: Callable[[UUID], Campaign]
    default: Campaign | None  # of rows that name none

    def enrol(self, rows: Sequence[Any], *, wall: datetime) -> dict[str, Any]:
        """Enrol whom the rows describe; the answer to the whole call.

        All in one transaction where one is open, such as that of an Idempotency-Key.
        Otherwise many rows are done in parts, each in its own.
        """
        reader = RowReader(self.find_campaign, self.default, read_person)
        if connection.in_atomic_block or len(rows) <= PART:
            found = reader.sort(rows)
            return _whole(len(rows), _refused(found) | _enrol_all(found.good, wall))
        answers: Answers = {}
        with Lanes[Answers].open() as lanes:
            parts = _Parts(lanes, wall)
            for first in range(0, len(rows), PART):
                found = reader.sort(rows[first : first + PART], first + 1)
                answers |= _refused(found)
                parts.begin(found.good)
            parts.finish()
        return _whole(len(rows), answers | parts.answers)


class _Parts:
    """Parts of a call. Those that may be about one person are done in their order."""

    def __init__(self, lanes: Lanes[Answers], wall: datetime) -> None:
        self.lanes, self.wall = lanes, wall
        self.answers: Answers = {}
        self.under_way: set[str] = set()  # who is enrolled, by their names

    def begin(self, people: People) -> None:
        # Rows may call one person by different names, or hand a name on.
        names: set[str] = set()
        for campaign, some in people.items():
            names |= known_as(campaign, some.values())
            names.update(name for who in some.values() for name in who.names)
        # Whom a claim names may be in any part.
        claims = any(who.claims for some in people.values() for who in some.values())
        if claims or not self.under_way.isdisjoint(names):
            self.finish()
        self.lanes.begin(_enrol_all, people, self.wall)
        self.under_way |= names
        if claims:
            self.finish()

    def finish(self) -> None:
        for answers in self.lanes.finish():
            self.answers |= answers
        self.under_way.clear()


@transaction.atomic
def _enrol_all(people: People, wall: datetime) -> Answers:
    if len(people) > 1:  # all names before any row: see locks.py
        lock_names_of(
            {
                campaign: [name for who in some.values() for name in who.names]
                for campaign, some in people.items()
            }
        )
    answers: Answers = {}
    # In one order, so that two calls never wait for each other in a circle.
    for campaign in sorted(people, key=lambda each: each.pk):
        numbers = list(people[campaign])
        some = list(people[campaign].values())
        found = enrol_people(campaign, some, wall=wall)
        answers |= zip(numbers, map(_answer, found), strict=True)
    return answers


def _refused(found: Sorted[Person]) -> Answers:
    return {number: _failed(422, faults) for number, faults in found.bad.items()}


def _whole(count: int, answers: Answers) -> dict[str, Any]:
    first: dict[str, int] = {}  # row of each person
    results = []
    for n in range(1, count + 1):
        result = {"row": n, **answers[n]}
        if (pk := result["id"]) and first.setdefault(pk, n) != n:
            result["same_person_as_row"] = first[pk]
        results.append(result)
    counts = Counter(result["outcome"] for result in results)
    return {"results": results, **{outcome: counts[outcome] for outcome in OUTCOMES}}


def _answer(found: Enrolment | Refusal) -> dict[str, Any]:
    if isinstance(found, Refusal):
        status = 422 if found.pointer else 409
        return _failed(status, [Fault(found.pointer, found.detail, found.code)])
    answer: dict[str, Any] = {
        "status": 201 if found.created else 200,
        "outcome": _outcome(found),
        "id": found.participant.public_id,
        "referral": found.referral.public_id if found.referral else None,
    }
    if found.refused:
        refused = [RefusedSerializer(each).data for each in found.refused]
        answer["refused_claims"] = refused
    return answer


def _outcome(found: Enrolment) -> str:
    if found.created:
        return "created"
    return "updated" if found.changed or found.referral_created else "unchanged"


def _failed(status: int, faults: Iterable[Fault]) -> dict[str, Any]:
    return {
        "status": status,
        "outcome": "failed",
        "id": None,
        "referral": None,
        "errors": [fault.as_json() for fault in faults],
    }
