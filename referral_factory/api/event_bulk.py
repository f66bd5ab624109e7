"""Many events in one call: each row answered by its number, and good rows kept."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zlib import crc32

from django.db import connection

from referral_factory.api.event_answers import FAILED, OUTCOMES, would_grant
from referral_factory.errors import DomainError
from referral_factory.ids import to_public
from referral_factory.lanes import Lanes
from referrals.bulk_rows import RowReader
from referrals.event_rows import read_event
from referrals.models import Campaign, Event
from referrals.rows import Fault
from referrals.services.events import (
    Recorded,
    Refusal,
    Report,
    key_of,
    names_in,
    preview_events,
    record_events,
)
from referrals.services.locks import lock_names_of
from webhooks import outbox

Answer = dict[str, Any]

LARGE = 1_000  # events
PARTS = 4


@dataclass
class BulkEvents:
    """The rows of a call on their way to their answers.

    `find_campaign` raises InvalidInput where the caller knows no such campaign. The
    rows of each campaign are kept together; other campaigns' are not waited for.
    """

    find_campaign: Callable[[UUID], Campaign]
    default: Campaign | None  # of rows that name none
    dry_run: bool = False
    answers: dict[int, Answer] = field(default_factory=dict)

    def report(self, rows: Sequence[Any], *, wall: datetime) -> Answer:
        """Report what the rows describe, in their order; the answer to the call."""
        reader = RowReader(self.find_campaign, self.default, read_event)
        found = reader.sort(rows)
        for number, faults in found.bad.items():
            self.answers[number] = _failed(422, faults)
        if connection.in_atomic_block and len(found.good) > 1:
            # All names before any row: see locks.py.
            lock_names_of(
                {c: names_in(some.values()) for c, some in found.good.items()}
            )
        # In one order, so that two calls never wait for each other in a circle.
        for campaign in sorted(found.good, key=lambda each: each.pk):
            self.answers |= self._report_all(campaign, found.good[campaign], wall)
        return self._whole(len(rows))

    def _report_all(
        self, campaign: Campaign, reports: Mapping[int, Report], wall: datetime
    ) -> dict[int, Answer]:
        parts = [reports]
        # Not what has a transaction of its own, such as that of an Idempotency-Key.
        if not self.dry_run and not connection.in_atomic_block:
            parts = parts_of(reports)
        with Lanes[list[Answer]].open() as lanes:
            for part in parts[1:]:
                lanes.begin(self._report, campaign, list(part.values()), wall)
            first = self._report(campaign, list(parts[0].values()), wall)
            found = [first, *lanes.finish()]
        return {
            number: answer
            for part, answers in zip(parts, found, strict=True)
            for number, answer in zip(part, answers, strict=True)
        }

    def _report(
        self, campaign: Campaign, reports: Sequence[Report], wall: datetime
    ) -> list[Answer]:
        """What refuses a whole campaign refuses each of its rows."""
        try:
            if self.dry_run:
                return _dry_answers(campaign, reports, wall)
            with outbox.together():
                found = record_events(campaign, reports, wall=wall)
            return [_answer(each) for each in found]
        except DomainError as refusal:
            fault = Fault("", str(refusal), refusal.code)
            return [_failed(409, [fault]) for _ in reports]

    def _whole(self, count: int) -> Answer:
        results = [{"row": n, **self.answers[n]} for n in range(1, count + 1)]
        counts = Counter(result["outcome"] for result in results)
        return {
            "results": results,
            "dry_run": self.dry_run,
            **{outcome: counts[outcome] for outcome in OUTCOMES},
        }


def parts_of(reports: Mapping[int, Report]) -> list[Mapping[int, Report]]:
    """Reports by their number, in parts that can be judged side by side: all events of
    a person are in one, in their order, and so are those that take each other back.

    All in one part where they are few, or where nobody can tell without a look: one
    person may have several codes and ids, or be called by a mailbox as well.
    """
    kinds = {kind for report in reports.values() for kind in report.participant}
    if len(reports) < LARGE or kinds not in ({"external_id"}, {"email"}):
        return [reports]
    parts: list[dict[int, Report]] = [{} for _ in range(PARTS)]
    part_of: dict[str, int] = {}
    for number, report in reports.items():
        place = crc32(str(key_of(report.participant)).encode()) % PARTS
        parts[place][number] = report
        for event_id in filter(None, (report.event_id, report.reverses)):
            if part_of.setdefault(event_id, place) != place:
                return [reports]
    return [part for part in parts if part]


def _answer(found: Recorded | Refusal) -> Answer:
    if isinstance(found, Refusal):
        return _failed(422, [Fault(found.pointer, found.detail, found.code)])
    referral = found.entry.referral
    return {
        "status": 200 if found.repeated else 201,
        "outcome": found.outcome,
        "id": to_public(Event.PREFIX, found.entry.id),
        "referral": to_public("ref", referral) if isinstance(referral, UUID) else None,
        "detail": _what_decided(found),
    }


def _dry_answers(
    campaign: Campaign, reports: Sequence[Report], wall: datetime
) -> list[Answer]:
    found = preview_events(campaign, reports, wall=wall)
    judged = [each for each in found if isinstance(each, Recorded)]
    rewards = iter(would_grant(campaign, judged, wall=wall))
    return [
        _dry_answer(each, next(rewards))
        if isinstance(each, Recorded)
        else _answer(each)
        for each in found
    ]


def _dry_answer(found: Recorded, rewards: list[dict[str, Any]]) -> Answer:
    return {
        **_answer(found),
        **({} if found.repeated else {"id": None}),
        "explanation": found.event.decision["checks"],
        "rewards": rewards,
    }


def _what_decided(found: Recorded) -> str:
    """The first 'no', or else the last 'yes'."""
    checks = found.checks
    noes = (check for check in checks if not check.passed)
    decisive = next(noes, checks[-1] if checks else None)
    return decisive.detail if decisive else ""


def _failed(status: int, faults: Iterable[Fault]) -> Answer:
    return {
        "status": status,
        "outcome": FAILED,
        "id": None,
        "referral": None,
        "errors": [fault.as_json() for fault in faults],
    }
