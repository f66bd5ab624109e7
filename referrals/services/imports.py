"""A file: taken in, told what its columns mean, started and ended.

The work on its rows is in services/importing.py.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from referrals.files.faults import BadFile
from referrals.files.incoming import LOOKED_AT, Incoming
from referrals.files.kinds import columns_of
from referrals.files.layout import is_hint, layout_of
from referrals.files.reading import Row, Rows
from referrals.models import Campaign, Import, ImportFault, ImportName, ImportPart
from referrals.services.campaigns import refuse_unless_launched, refuse_unless_open

Status = Import.Status
PART = 1024 * 1024  # bytes
SIP = 64 * 1024
BEGINNING_AGAIN: dict[str, Any] = {
    "position": 0,
    "done_rows": 0,
    "created_count": 0,
    "updated_count": 0,
    "unchanged_count": 0,
    "failed_count": 0,
    "repeated_count": 0,
    "lease_until": None,  # whoever is at work on it finds that it is no longer theirs
}
LEFT_LYING = timedelta(days=7)  # until a file that nobody runs is dropped


@transaction.atomic
def receive_file(
    campaign: Campaign,
    pieces: Iterable[bytes],
    *,
    filename: str,
    by: str,
    mapping: Mapping[str, str] | None = None,
    kind: str = Import.Kind.PARTICIPANTS,
) -> Import:
    """Keep the file in parts, and find out how it is laid out; BadFile if it is none.

    Without a mapping, the columns are guessed. Nothing is read of the rows yet.
    """
    received = Import(
        campaign=campaign, kind=kind, filename=_printable(filename), made_by=by
    )
    received.save(force_insert=True)
    incoming = Incoming()
    _keep(received, _in_parts(_converted(pieces, incoming)))
    whole = incoming.size <= LOOKED_AT
    columns = columns_of(received)
    layout = layout_of(incoming.head, incoming.encoding, columns, whole=whole)
    received.size, received.encoding = incoming.size, layout.encoding
    received.delimiter, received.header = layout.delimiter, layout.header
    received.mapping = (
        columns.guessed(layout.header)
        if mapping is None
        else columns.checked(mapping, layout.header)
    )
    received.save()
    return received


@transaction.atomic
def receive_and_start(
    campaign: Campaign,
    pieces: Iterable[bytes],
    *,
    filename: str,
    by: str,
    mapping: Mapping[str, str] | None,
    dry_run: bool,
    wall: datetime,
    kind: str = Import.Kind.PARTICIPANTS,
) -> Import:
    """Take a file in and begin with it; nothing stays of one that is refused."""
    received = receive_file(
        campaign, pieces, filename=filename, by=by, mapping=mapping, kind=kind
    )
    if dry_run:
        return check_import(received)
    return run_import(received, wall=wall)


@transaction.atomic
def change_mapping(received: Import, mapping: Mapping[str, str]) -> Import:
    """Say what the columns mean. The file is checked, or checked once more."""
    checked = columns_of(received).checked(mapping, received.header)
    return check_import(received, mapping=checked)


@transaction.atomic
def check_import(received: Import, **changes: Any) -> Import:
    """Begin a dry run: what every row would do, and nothing is done.

    One that is on its way ends, and the new one begins at the first row.
    """
    if received.status == Status.CHECKING:
        received.move_to(Status.UPLOADED)
    return _begin(received, Status.CHECKING, **changes)


@transaction.atomic
def run_import(received: Import, *, wall: datetime) -> Import:
    """Begin to enrol, or to record, from the first row on."""
    return _begin(received, Status.RUNNING, started_at=wall)


@transaction.atomic
def cancel_import(received: Import, *, wall: datetime) -> Import:
    """Stop here: what is done stays, the rest of the file is dropped."""
    received.move_to(Status.CANCELLED, finished_at=wall, lease_until=None)
    drop_file(received)
    return received


def drop_file(received: Import) -> None:
    ImportPart.objects.filter(owner=received).delete()
    ImportName.objects.filter(owner=received).delete()


def purge_imports(*, wall: datetime) -> int:
    """Drop files that nobody ran, and what old faults say of people."""
    waiting = Import.objects.filter(status__in=[Status.UPLOADED, Status.CHECKED])
    for left in waiting.filter(created_at__lt=wall - LEFT_LYING):
        cancel_import(left, wall=wall)
    before = wall - timedelta(days=settings.IMPORT_RETENTION_DAYS)
    old = ImportFault.objects.filter(owner__finished_at__lt=before)
    return old.exclude(values=[]).update(values=[])


def first_rows(received: Import, count: int) -> list[Row]:
    """The first rows under the header, while the file is kept."""
    found: list[Row] = []
    try:
        for row in rows_of(received, start=0):
            if len(found) == count:
                break
            found.append(row)
    except BadFile:
        pass  # the check says where
    return found


def rows_of(received: Import, *, start: int) -> Iterator[Row]:
    """The rows from a position on; from 0, those under the header."""
    rows = Rows(
        _pieces(received, start),
        start=start,
        encoding=received.encoding,
        delimiter=received.delimiter,
    )
    if not start:
        for row in rows:
            if not is_hint(row.values):
                break
    return rows


def refuse_unless_taken(received: Import) -> None:
    """Whether the campaign takes what is in the file, at this time."""
    if received.kind == Import.Kind.PARTICIPANTS:
        refuse_unless_open(received.campaign)
    else:
        refuse_unless_launched(received.campaign)


def _begin(received: Import, status: Status, **changes: Any) -> Import:
    columns_of(received).refuse_unusable(changes.get("mapping", received.mapping))
    refuse_unless_taken(received)
    received.move_to(status, **BEGINNING_AGAIN, **changes)
    ImportFault.objects.filter(owner=received).delete()
    ImportName.objects.filter(owner=received).delete()
    return received


def _converted(pieces: Iterable[bytes], incoming: Incoming) -> Iterator[bytes]:
    for piece in pieces:
        yield incoming.take(piece)
    yield incoming.end()


def _in_parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in parts of one length, but for the last."""
    kept = bytearray()
    for piece in pieces:
        kept += piece
        while len(kept) >= PART:
            yield bytes(kept[:PART])
            del kept[:PART]
    if kept:
        yield bytes(kept)


def _keep(received: Import, parts: Iterable[bytes]) -> None:
    offset = 0
    for data in parts:
        ImportPart.objects.create(owner=received, offset=offset, data=data)
        offset += len(data)


def _pieces(received: Import, start: int) -> Iterator[bytes]:
    """The kept bytes from a position on, in sips; one part at a time is in memory."""
    parts = ImportPart.objects.filter(owner=received)
    part = parts.filter(offset__lte=start).order_by("offset").last()
    while part is not None:
        data = bytes(part.data)
        for at in range(max(0, start - part.offset), len(data), SIP):
            yield data[at : at + SIP]
        part = parts.filter(offset=part.offset + len(data)).first()


def _printable(filename: str) -> str:
    """A name to show, whatever a client called the file."""
    name = "".join(c for c in filename.replace("\\", "/") if c.isprintable())
    return name.rpartition("/")[2].strip()[:255]
