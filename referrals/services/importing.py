"""The work on a file: row by row, in chunks that are whole or not at all.

What a chunk brings, its faults, its counts and the position after it are one
transaction. A worker that is killed leaves a position that is true; whoever finds its
lease over goes on from there.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from referral_factory.errors import DomainError
from referrals.files.faults import BadFile
from referrals.files.kinds import kind_of
from referrals.files.reading import Row
from referrals.files.readings import Reading, read_row
from referrals.models import Import, ImportFault, ImportName
from referrals.services.importing_events import record_good
from referrals.services.importing_people import enrol_good
from referrals.services.imports import (
    drop_file,
    first_rows,
    refuse_unless_taken,
    rows_of,
)
from referrals.services.locks import lock_names
from referrals.services.tombstones import erased_names, half_digest

log = logging.getLogger(__name__)

Status = Import.Status
BRING = {Import.Kind.PARTICIPANTS: enrol_good, Import.Kind.EVENTS: record_good}
AT_WORK = (Status.CHECKING, Status.RUNNING)
LEASE = timedelta(seconds=20)  # many times what a chunk takes
CHUNK = 1_000  # rows
CHUNK_BYTES = 512 * 1024  # reading bad rows takes longest: well within a lease
TURN = 8.0  # seconds that one import may have before the next in line


class LostLease(Exception):
    """Somebody else is at work on it now, or it was cancelled: nothing is kept."""


@dataclass
class Chunk:
    """Rows that are read, and how the file goes on after them."""

    rows: list[Row]
    end: int
    more: bool
    broken: BadFile | None = None


@dataclass
class Outcome:
    """What a chunk's rows did, or would do."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    repeated: int = 0
    faults: list[ImportFault] = field(default_factory=list)


def work_on_imports(
    *, clock: Callable[[], datetime] = timezone.now, seconds: float = TURN
) -> bool:
    """Take the next import in line and go on with it for a while.

    False where there was none. Only one is worked on at a time, everywhere: other work
    of the workers is not kept waiting.
    """
    taken = _take(clock())
    if taken is None:
        return False
    until = time.monotonic() + seconds
    rows = rows_of(taken, start=taken.position)
    try:
        while _do_chunk(taken, rows, wall=clock()) and time.monotonic() < until:
            pass
        Import.objects.filter(pk=taken.pk, lease_until=taken.lease_until).update(
            lease_until=None
        )
    except LostLease:
        log.warning("%s is no longer ours.", taken.public_id)
    return True


def sample_readings(received: Import, count: int) -> list[Reading]:
    """The first rows as they would be read, without those of whom is erased by now."""
    kind = kind_of(received)
    read = [
        read_row(number, row, received.header, received.mapping, kind)
        for number, row in enumerate(first_rows(received, count), start=1)
    ]
    names = {name for reading in read for name in reading.names}
    gone = erased_names(received.campaign, names, since=received.created_at)
    for reading in read:
        reading.leave_out(gone, received.header)
    return read


def _take(wall: datetime) -> Import | None:
    """Lease the import that has come least far; none while another is worked on."""
    waiting = Import.objects.filter(status__in=AT_WORK)
    if waiting.filter(lease_until__gt=wall).exists():
        return None
    found = waiting.select_related("campaign").order_by("done_rows", "id").first()
    if found is None:
        return None
    before, found.lease_until = found.lease_until, wall + LEASE
    same = Import.objects.filter(
        pk=found.pk, status=found.status, position=found.position, lease_until=before
    )
    if not same.update(lease_until=found.lease_until):
        return None
    if before is not None:
        log.warning(
            "Took over %s, whose worker is gone, after row %d.",
            found.public_id,
            found.done_rows,
        )
    return found


def _do_chunk(taken: Import, rows: Iterator[Row], *, wall: datetime) -> bool:
    """Whether there is more to do."""
    try:
        taken.campaign.refresh_from_db()
        refuse_unless_taken(taken)
        chunk = _next_chunk(taken, rows)
        with transaction.atomic():
            outcome = _bring(taken, chunk.rows, wall=wall)
            _advance(taken, chunk, outcome, wall=wall)
            if not chunk.more:
                _end(taken, chunk.broken, wall=wall)
    except DomainError as refusal:  # the campaign was paused, say
        taken.refresh_from_db()
        _fail(taken, refusal.code, str(refusal), wall=wall)
        return False
    return chunk.more


def _next_chunk(taken: Import, rows: Iterator[Row]) -> Chunk:
    chunk = Chunk([], taken.position, more=True)
    try:
        while len(chunk.rows) < CHUNK and chunk.end - taken.position < CHUNK_BYTES:
            row = next(rows, None)
            if row is None:
                chunk.more = False
                break
            chunk.rows.append(row)
            chunk.end = row.end
    except BadFile as error:
        number = taken.done_rows + len(chunk.rows) + 1
        chunk.broken = BadFile(error.code, f"Row {number}: {error}")
        chunk.more = False
    return chunk


def _bring(taken: Import, rows: Sequence[Row], *, wall: datetime) -> Outcome:
    """Enrol the people, record the events of these rows, or see what that would do.

    The names of all of them are held first, as erasing somebody holds theirs: whoever
    was erased since the upload is known here, and whoever is erased next waits.
    """
    first, kind = taken.done_rows + 1, kind_of(taken)
    read = [
        read_row(number, row, taken.header, taken.mapping, kind)
        for number, row in enumerate(rows, start=first)
    ]
    names = {name for reading in read for name in reading.names}
    lock_names(taken.campaign, names)
    gone = erased_names(taken.campaign, names, since=taken.created_at)
    for reading in read:
        reading.leave_out(gone, taken.header)
    BRING[Import.Kind(taken.kind)](taken, [r for r in read if not r.flaws], wall=wall)
    return _counted(taken, read)


def _counted(taken: Import, read: Sequence[Reading]) -> Outcome:
    outcome = Outcome()
    for reading in read:
        if not reading.flaws:
            setattr(outcome, reading.did, getattr(outcome, reading.did) + 1)
            outcome.repeated += reading.again
            continue
        outcome.failed += 1
        outcome.faults += [
            ImportFault(
                owner=taken,
                row=reading.number,
                column=flaw.column,
                code=flaw.code,
                detail=flaw.detail[:500],
                values=reading.values,
                names=[half_digest(name) for name in reading.names]
                if reading.values
                else [],
            )
            for flaw in reading.flaws
        ]
    return outcome


def _advance(taken: Import, chunk: Chunk, outcome: Outcome, *, wall: datetime) -> None:
    """Move on, if the import is still where we took it up; LostLease if not."""
    ImportFault.objects.bulk_create(outcome.faults, batch_size=500)
    same = Import.objects.filter(
        pk=taken.pk,
        status=taken.status,
        position=taken.position,
        lease_until=taken.lease_until,
    )
    changes = {
        "position": chunk.end,
        "done_rows": taken.done_rows + len(chunk.rows),
        "lease_until": wall + LEASE,
        "created_count": taken.created_count + outcome.created,
        "updated_count": taken.updated_count + outcome.updated,
        "unchanged_count": taken.unchanged_count + outcome.unchanged,
        "failed_count": taken.failed_count + outcome.failed,
        "repeated_count": taken.repeated_count + outcome.repeated,
    }
    if not same.update(**changes):
        raise LostLease
    for name, value in changes.items():
        setattr(taken, name, value)


def _end(taken: Import, broken: BadFile | None, *, wall: datetime) -> None:
    if broken:
        _fail(taken, broken.code, str(broken), wall=wall)
    elif taken.status == Status.CHECKING:
        taken.move_to(Status.CHECKED, total_rows=taken.done_rows, lease_until=None)
        ImportName.objects.filter(owner=taken).delete()
    else:
        taken.move_to(
            Status.DONE,
            total_rows=taken.done_rows,
            lease_until=None,
            finished_at=wall,
        )
        drop_file(taken)


@transaction.atomic
def _fail(taken: Import, code: str, why: str, *, wall: datetime) -> None:
    """What was done stays; the rest of the file is dropped."""
    taken.move_to(
        Status.FAILED,
        error=why[:500],
        error_code=code,
        lease_until=None,
        finished_at=wall,
    )
    drop_file(taken)
