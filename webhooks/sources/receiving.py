"""What becomes of something that arrives: an event, nothing, or a line in the log."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from rest_framework.exceptions import Throttled

from referral_factory.access.limits import count_call
from referral_factory.errors import DomainError, InvalidInput
from referrals.models import Campaign, Participant
from referrals.rows import Fault
from referrals.services.events import Recorded, record_event
from webhooks.models import Arrival, Source
from webhooks.sources.reading import read, sent_before, without_secrets
from webhooks.sources.refusing import NotTaken, of_faults
from webhooks.sources.verifying import Sent, verify

STRANGERS = 60  # refusals of who proved nothing, that a source's log takes a minute
BODIES = 10  # refused bodies that are kept a minute where anybody may send one
QUEUE = "queue"  # what an event says that it came from, where no source is named
NO_MORE = " More of this minute are refused without a line here."
Status = Arrival.Status


class NothingToReplay(DomainError):
    code = "nothing_to_replay"


class AlreadyRecorded(DomainError):
    code = "already_recorded"


@dataclass(frozen=True)
class CameOfIt:
    """An arrival, with what was recorded of it."""

    arrival: Arrival
    recorded: Recorded | None


def receive(source: Source, sent: Sent, *, wall: datetime) -> CameOfIt:
    """Verify, read and record what was sent. NotTaken once its refusal is in the log.

    The event and its line in the log are committed together.
    """
    try:
        signed_id = verify(source, source.campaign, sent, wall=wall)
    except NotTaken as refusal:
        _log_stranger(source, sent, refusal, wall)
        raise
    _count(source)
    kept = without_secrets(source, sent, signed_id)
    try:
        return _take(source, kept, wall)
    except NotTaken as refusal:
        arrival = _arrival(source, kept, wall)
        _refuse(arrival, refusal)
        if not _may_keep_bodies(source):
            arrival.body, arrival.headers, arrival.query = None, {}, ""
        arrival.save()
        raise


def log_too_large(source: Source, sent: Sent, size: int, *, wall: datetime) -> None:
    """A line for a body that was not even read: whoever sent it."""
    refusal = NotTaken("body_too_large", f"A body of {size} bytes is too large.", 413)
    _log_stranger(source, sent, refusal, wall, size=size)


@transaction.atomic
def _take(source: Source, sent: Sent, wall: datetime) -> CameOfIt:
    arrival = _arrival(source, sent, wall)
    recorded = _record(source.campaign, source, sent, wall=wall, arrived=wall)
    _settle(arrival, recorded)
    if arrival.status == Status.REPEATED or _is_of_nobody(recorded):
        # Kept with the first one, or not to be kept: they were erased.
        arrival.body, arrival.headers, arrival.query = None, {}, ""
    arrival.save(force_insert=True)
    return CameOfIt(arrival, recorded)


def _record(
    campaign: Campaign,
    source: Source | None,
    sent: Sent,
    *,
    wall: datetime,
    arrived: datetime,
) -> Recorded | None:
    """Record what was sent; None where it is not for us. It happened when it arrived,
    unless it says when.

    An event that is refused by a rule is a refusal of what arrived, too.
    """
    report = read(campaign, source, sent).report
    if report is None:
        return None
    if report.occurred_at is None:
        report = replace(report, occurred_at=campaign.now(arrived))
    try:
        road = source.public_id if source else QUEUE
        return record_event(campaign, report, wall=wall, source=road)
    except InvalidInput as error:
        raise of_faults([Fault(error.pointer, str(error), error.code)]) from error
    except DomainError as error:
        raise NotTaken(error.code, str(error), 409) from error


def replay(arrival: Arrival, *, wall: datetime) -> Arrival:
    """Read it again, by the mapping as it is now: what was refused, or ignored."""
    if arrival.event_id:
        raise AlreadyRecorded("It became an event already.")
    if arrival.body is None:
        raise NothingToReplay("Its body was not kept, or was erased.")
    before, arrival.replayed_at = arrival.status, wall
    try:
        with transaction.atomic():
            recorded = _record(
                arrival.campaign,
                arrival.source,
                sent_before(arrival),
                wall=wall,
                arrived=arrival.received_at,
            )
            _settle(arrival, recorded)
            _move(arrival, before)
    except NotTaken as refusal:
        _refuse(arrival, refusal)
        _move(arrival, before)
    return arrival


def _settle(arrival: Arrival, recorded: Recorded | None) -> None:
    """What became of something that was read: the facts, not saved yet."""
    arrival.code = arrival.reason = ""
    if recorded is None:
        arrival.status = Status.IGNORED
        arrival.reason = "Its mapping says that it is not for us."
        return
    arrival.event = recorded.event
    arrival.status = Status.REPEATED if recorded.repeated else Status.RECORDED
    if recorded.repeated:
        arrival.code = "repeated"
        arrival.reason = (
            f"The event {recorded.event.event_id} was reported before: nothing"
            " happened this time."
        )


def _refuse(arrival: Arrival, refusal: NotTaken) -> None:
    arrival.status = Status.REFUSED
    arrival.code, arrival.reason = refusal.code, refusal.reason


def _move(arrival: Arrival, before: str) -> None:
    """Save what a replay brought about: along the table of states, if it moved."""
    facts: dict[str, Any] = {
        name: getattr(arrival, name)
        for name in ("code", "reason", "event", "replayed_at")
    }
    after, arrival.status = arrival.status, before
    if after == before:
        Arrival.objects.filter(pk=arrival.pk, status=before).update(**facts)
    else:
        arrival.move_to(after, **facts)


def _arrival(source: Source, sent: Sent, wall: datetime) -> Arrival:
    return Arrival(
        campaign=source.campaign,
        source=source,
        content_type=sent.content_type,
        headers={k: v for k, v in sent.headers.items() if k != "content-type"},
        query=sent.query,
        body=sent.body,
        size=len(sent.body),
        address=sent.address,
        received_at=wall,
    )


def _log_stranger(
    source: Source,
    sent: Sent,
    refusal: NotTaken,
    wall: datetime,
    size: int | None = None,
) -> None:
    """A line without anything that they sent; and not a line for each of a flood."""
    standing = count_call(f"strangers:{source.pk}", limit=STRANGERS)
    if not standing.allowed:
        return
    said = refusal.reason + (NO_MORE if standing.count == STRANGERS else "")
    Arrival.objects.create(
        campaign=source.campaign,
        source=source,
        status=Status.REFUSED,
        code=refusal.code,
        reason=said,
        size=len(sent.body) if size is None else size,
        address=sent.address,
        received_at=wall,
    )


def _count(source: Source) -> None:
    """Count what the source itself sends: strangers must not use its room up."""
    standing = count_call(f"source:{source.pk}", limit=settings.SOURCE_LIMIT_PER_MINUTE)
    if not standing.allowed:
        raise Throttled(standing.resets_in)


def _is_of_nobody(recorded: Recorded | None) -> bool:
    """Whether it is about somebody who was erased: what it says is not kept."""
    person = recorded.event.participant if recorded else None
    return person is not None and person.status == Participant.Status.ERASED


def _may_keep_bodies(source: Source) -> bool:
    if source.verification != Source.Verification.NONE:
        return True
    return count_call(f"refused:{source.pk}", limit=BODIES).allowed
