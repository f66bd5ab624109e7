"""The good rows of a file of people: enrolled, or tried."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from referrals.files.faults import Flaw
from referrals.files.people import People
from referrals.files.readings import Reading
from referrals.models import Import, ImportName, Participant
from referrals.services.import_names import seen_before
from referrals.services.participants import Enrolment, Person, Refusal, enrol_people
from referrals.services.tombstones import half_digest


def enrol_good(taken: Import, good: Sequence[Reading], *, wall: datetime) -> None:
    """Enrol them, all in one; a dry run takes it back and keeps only what it saw."""
    dry = taken.status == Import.Status.CHECKING
    with transaction.atomic():
        results = enrol_people(
            taken.campaign,
            [r.described for r in good if isinstance(r.described, Person)],
            wall=wall,
            source=Participant.Source.IMPORT,
        )
        transaction.set_rollback(dry)
    met: set[UUID] = set()
    for reading, result in zip(good, results, strict=True):
        _note(reading, result, taken)
        if isinstance(result, Enrolment):
            reading.again = result.participant.pk in met
            met.add(result.participant.pk)
    seen = seen_before(taken, [n for reading in good for n in reading.own_names])
    if dry:
        _correct(good, seen | _advocates_seen(taken, good))
    for reading in good:
        reading.again |= not seen.isdisjoint(reading.own_names)


def _note(reading: Reading, result: Enrolment | Refusal, taken: Import) -> None:
    if isinstance(result, Refusal):
        column = People.columns.column_of(result.pointer, taken.mapping)
        reading.flaws = [Flaw(result.code, result.detail, column)]
    elif result.created:
        reading.did = "created"
    elif result.changed:
        reading.did = "updated"


def _advocates_seen(taken: Import, good: Sequence[Reading]) -> set[str]:
    """Advocates who are unknown now, and stood in earlier rows of the file."""
    unknown = [reading for reading in good if reading.flaws]
    names = {half_digest(n): n for reading in unknown for n in reading.others_names}
    found = ImportName.objects.filter(owner=taken, digest__in=names)
    return {names[digest] for digest in found.values_list("digest", flat=True)}


def _correct(good: Sequence[Reading], seen: set[str]) -> None:
    """A dry run enrols nobody: what later rows find of earlier ones is added here."""
    for reading in good:
        named = not seen.isdisjoint(reading.others_names)
        if named and [flaw.code for flaw in reading.flaws] == ["unknown"]:
            reading.flaws, reading.did = [], "created"
        if reading.did == "created" and seen & set(reading.own_names):
            reading.did = "updated"
