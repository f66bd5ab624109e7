"""From messages to events: what can be read is recorded, the rest is set aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from rest_framework.exceptions import ParseError

from referral_factory.bodies import MAX_BYTES, loads
from referral_factory.wire import flat_errors
from referrals.event_rows import read_event
from referrals.models import Campaign
from referrals.rows import Fault
from referrals.services.events import Recorded, Refusal, Report, record_events
from webhooks.consuming.brokers import Body
from webhooks.models import Arrival, Source

LONGEST_REASON = 1000
WRONG_BODY = Fault("", "The message must be a JSON object.", "wrong_body")
TOO_LARGE = Fault(
    "", f"The message is larger than {MAX_BYTES // 1024} KB.", "body_too_large"
)


@dataclass(frozen=True)
class CameOfIt:
    """What became of a batch."""

    recorded: int
    known: int
    refused: int


class Road:
    """The way of one queue into one campaign, read as its source says, if it has one.

    Without a source a message is what `POST /events` takes.
    """

    def __init__(self, campaign: Campaign, queue: str, source: Source | None) -> None:
        self.campaign, self.queue, self.source = campaign, queue, source
        self.label = source.public_id if source else f"queue:{queue}"[:80]

    @transaction.atomic
    def bring(self, bodies: Sequence[Body], *, wall: datetime) -> CameOfIt:
        """Record the events; keep what is none, with its reason, for people to see."""
        self.campaign.refresh_from_db()  # its rules may have changed since the last
        read = [self.read(body) for body in bodies]
        good = [each for each in read if isinstance(each, Report)]
        found = iter(record_events(self.campaign, good, wall=wall, source=self.label))
        results = [next(found) if isinstance(e, Report) else e for e in read]
        refused = [
            self._set_aside(body, faults)
            for body, result in zip(bodies, results, strict=True)
            if (faults := faults_in(result))
        ]
        Arrival.objects.bulk_create(refused)
        recorded = [each for each in results if isinstance(each, Recorded)]
        known = sum(each.repeated for each in recorded)
        return CameOfIt(len(recorded) - known, known, len(refused))

    def read(self, body: Body) -> Report | list[Fault]:
        raw = as_bytes(body)
        if len(raw) > MAX_BYTES:
            return [TOO_LARGE]
        try:
            given = loads(raw)
        except ParseError as error:
            return unreadable(error)
        if not isinstance(given, dict):
            return [WRONG_BODY]
        return self._event(given)

    def _event(self, given: dict[str, Any]) -> Report | list[Fault]:
        named = given.pop("campaign", self.campaign.public_id)
        if named != self.campaign.public_id:
            message = f"This queue is for {self.campaign.public_id}."
            return [Fault("/campaign", message, "wrong_campaign")]
        return read_event(given)

    def _set_aside(self, body: Body, faults: Sequence[Fault]) -> Arrival:
        raw = as_bytes(body)
        return Arrival(
            campaign=self.campaign,
            source=self.source,
            road=Arrival.Road.QUEUE,
            status=Arrival.Status.REFUSED,
            code=faults[0].code,
            reason="; ".join(map(told, faults))[:LONGEST_REASON],
            body=raw if len(raw) <= MAX_BYTES else None,
            size=len(raw),
        )


def as_bytes(body: Body) -> bytes:
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body


def faults_in(result: object) -> list[Fault]:
    if isinstance(result, Refusal):
        return [Fault(result.pointer, result.detail, result.code)]
    return result if isinstance(result, list) else []


def unreadable(error: ParseError) -> list[Fault]:
    found = getattr(error, "errors", None) or flat_errors(error.detail)
    return [Fault(pointer, str(detail), str(detail.code)) for pointer, detail in found]


def told(fault: Fault) -> str:
    where = fault.pointer.lstrip("/")
    return f"{where}: {fault.detail}" if where else fault.detail
