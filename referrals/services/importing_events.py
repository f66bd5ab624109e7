"""The good rows of a file of events: recorded, or tried."""

from collections.abc import Sequence
from datetime import datetime

from referrals.files.events import Events
from referrals.files.faults import Flaw
from referrals.files.readings import Reading
from referrals.models import Import
from referrals.services.events import (
    Recorded,
    Refusal,
    Report,
    preview_events,
    record_events,
)
from referrals.services.import_names import seen_before


def record_good(taken: Import, good: Sequence[Reading], *, wall: datetime) -> None:
    """Record them, all in one; a dry run only sees what would be decided."""
    reports = [r.described for r in good if isinstance(r.described, Report)]
    if taken.status == Import.Status.CHECKING:
        results = preview_events(taken.campaign, reports, wall=wall)
    else:
        results = record_events(
            taken.campaign, reports, wall=wall, source=taken.public_id
        )
    for reading, result in zip(good, results, strict=True):
        _note(reading, result, taken)
    _note_repeats(taken, [reading for reading in good if not reading.flaws])


def _note(reading: Reading, result: Recorded | Refusal, taken: Import) -> None:
    if isinstance(result, Refusal):
        column = Events.columns.column_of(result.pointer, taken.mapping)
        reading.flaws = [Flaw(result.code, result.detail, column)]
    elif not result.repeated:
        reading.did = "created"


def _note_repeats(taken: Import, good: Sequence[Reading]) -> None:
    """A dry run records nothing: what later rows repeat of earlier ones is added."""
    names = [f"event:{reading.given['event_id']}" for reading in good]
    earlier = seen_before(taken, names)
    for reading, name in zip(good, names, strict=True):
        if name in earlier:
            reading.did, reading.again = "unchanged", True
        earlier.add(name)
