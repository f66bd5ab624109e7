"""Many people in one call: each row answered by its number, and good rows kept."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from rest_framework import serializers

from referral_factory.wire import IdField
from referrals.bulk_rows import BulkFaultSerializer, RowReader
from referrals.models import Campaign
from referrals.rows import Fault, read_person
from referrals.serializers import RefusedSerializer
from referrals.services.locks import lock_names_of
from referrals.services.participants import Enrolment, Person, Refusal, enrol_people

People = dict[Campaign, dict[int, Person]]  # each by the number of their row

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
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)

    def enrol(self, rows: Sequence[Any], *, wall: datetime) -> dict[str, Any]:
        """Enrol whom the rows describe; the answer to the whole call."""
        reader = RowReader(self.find_campaign, self.default, read_person)
        found = reader.sort(rows)
        for number, faults in found.bad.items():
            self.answers[number] = _failed(422, faults)
        self._enrol_all(found.good, wall)
        return self._whole(len(rows))

    @transaction.atomic
    def _enrol_all(self, people: People, wall: datetime) -> None:
        if len(people) > 1:  # all names before any row: see locks.py
            lock_names_of(
                {
                    campaign: [name for who in some.values() for name in who.names]
                    for campaign, some in people.items()
                }
            )
        # In one order, so that two calls never wait for each other in a circle.
        for campaign in sorted(people, key=lambda each: each.pk):
            self._enrol(campaign, people[campaign], wall)

    def _enrol(
        self, campaign: Campaign, people: dict[int, Person], wall: datetime
    ) -> None:
        numbers = list(people)
        found = enrol_people(campaign, list(people.values()), wall=wall)
        for number, enrolment in zip(numbers, found, strict=True):
            self.answers[number] = _answer(enrolment, numbers)

    def _whole(self, count: int) -> dict[str, Any]:
        results = [{"row": n, **self.answers[n]} for n in range(1, count + 1)]
        counts = Counter(result["outcome"] for result in results)
        return {
            "results": results,
            **{outcome: counts[outcome] for outcome in OUTCOMES},
        }


def _answer(found: Enrolment | Refusal, numbers: Sequence[int]) -> dict[str, Any]:
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
    if found.same_as is not None:
        answer["same_person_as_row"] = numbers[found.same_as]
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
