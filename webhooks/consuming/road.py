"""From messages to events: what can be read is recorded, the rest is set aside."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self

from django.db import transaction

from referral_factory.bodies import MAX_BYTES
from referrals.models import Campaign
from referrals.rows import Fault
from referrals.services.events import Recorded, Refusal, Report, record_events
from webhooks.consuming.brokers import Body, NoQueue
from webhooks.models import Arrival, Source
from webhooks.sources.reading import read
from webhooks.sources.refusing import NotTaken, of_faults
from webhooks.sources.verifying import Sent

CONTENT_TYPE = "application/json"


@dataclass
class Tally:
    """What became of some messages: of a batch, or of all since the start."""

    recorded: int = 0
    known: int = 0  # repeats of what was recorded before
    ignored: int = 0  # the source's mapping says that they are not for us
    refused: int = 0  # set aside, with the reason

    def __str__(self) -> str:
        return (
            f"{self.recorded:,} events recorded, {self.known:,} known before, "
            f"{self.ignored:,} messages ignored, {self.refused:,} set aside"
        )

    def add(self, others: Self) -> None:
        for name, count in asdict(others).items():
            setattr(self, name, getattr(self, name) + count)


class Road:
    """The way of one queue into one campaign, read as its source says, if it has one.

    Without a source a message is what `POST /events` takes. Who may write to the queue
    is the broker's to know: no signature is looked at.
    """

    def __init__(self, campaign: Campaign, queue: str, source: Source | None) -> None:
        self.campaign, self.queue, self.source = campaign, queue, source
        self.label = source.public_id if source else f"queue:{queue}"[:80]

    @transaction.atomic
    def bring(self, bodies: Sequence[Body], *, wall: datetime) -> Tally:
        """Record the events; keep what is none, with its reason, for people to see."""
        self._look_again()
        raw = [as_bytes(body) for body in bodies]
        results: list[Report | Recorded | NotTaken | None] = [*map(self._read, raw)]
        places = [n for n, each in enumerate(results) if isinstance(each, Report)]
        reports = [each for each in results if isinstance(each, Report)]
        found = record_events(self.campaign, reports, wall=wall, source=self.label)
        for place, each in zip(places, found, strict=True):
            results[place] = each if isinstance(each, Recorded) else refused(each)
        return self._settle(raw, results, wall)

    def _look_again(self) -> None:
        """The rules of the campaign, or the mapping, may have changed meanwhile."""
        self.campaign.refresh_from_db()
        if self.source:
            self.source.refresh_from_db()
            if self.source.deleted_at:
                raise NoQueue(f"The source {self.source.name} was deleted.")

    def _read(self, body: bytes) -> Report | NotTaken | None:
        """None: the mapping says that it is not for us."""
        if len(body) > MAX_BYTES:
            limit = MAX_BYTES // 1024
            return NotTaken("body_too_large", f"A message of more than {limit} KB.")
        sent = Sent(body, {"content-type": CONTENT_TYPE}, "", None)
        try:
            return read(self.campaign, self.source, sent).report
        except NotTaken as refusal:
            return refusal

    def _settle(
        self,
        bodies: Sequence[bytes],
        results: Sequence[Report | Recorded | NotTaken | None],
        wall: datetime,
    ) -> Tally:
        aside = [
            self._set_aside(body, result, wall)
            for body, result in zip(bodies, results, strict=True)
            if isinstance(result, NotTaken)
        ]
        Arrival.objects.bulk_create(aside)
        recorded = [each for each in results if isinstance(each, Recorded)]
        known = sum(each.repeated for each in recorded)
        return Tally(
            recorded=len(recorded) - known,
            known=known,
            ignored=results.count(None),
            refused=len(aside),
        )

    def _set_aside(self, body: bytes, refusal: NotTaken, wall: datetime) -> Arrival:
        return Arrival(
            campaign=self.campaign,
            source=self.source,
            road=Arrival.Road.QUEUE,
            status=Arrival.Status.REFUSED,
            code=refusal.code,
            reason=refusal.reason,
            content_type=CONTENT_TYPE,
            body=body if len(body) <= MAX_BYTES else None,
            size=len(body),
            received_at=wall,
        )


def as_bytes(body: Body) -> bytes:
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body


def refused(refusal: Refusal) -> NotTaken:
    return of_faults([Fault(refusal.pointer, refusal.detail, refusal.code)])
