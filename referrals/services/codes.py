"""What people share: the code they have, those they had, and those they choose."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from referral_factory.errors import DomainError
from referrals.models import Campaign, FormerCode, Participant
from referrals.models.participant import new_code
from referrals.services.living import lock_living
from referrals.services.tombstones import digests_of
from referrals.signals import participant_updated

# Before what is kept of an erased person's code. No code can be chosen that has it.
ERASED = "~"

# What people may choose, wherever they are asked.
CHOSEN = r"\A[A-Za-z0-9]+(-[A-Za-z0-9]+)*\Z"
CHOSEN_IN_WORDS = "Letters from A to Z and digits, with single hyphens between them."
SHORTEST, LONGEST = 4, 40


class CodeTaken(DomainError):
    code = "code_taken"


def find_by_codes(campaign: Campaign, codes: Collection[str]) -> dict[str, Participant]:
    """Whose codes these are, by the code in capitals: one query.

    Somebody is found by the code they have, and by those they had before that still
    work. Codes that lead to nobody are left out.
    """
    wanted = {code.upper() for code in codes}
    people = Participant.objects.filter(campaign=campaign).order_by()
    current = people.filter(code__in=wanted).annotate(found_by=F("code"))
    former = people.filter(
        former_codes__code__in=wanted, former_codes__works=True
    ).annotate(found_by=F("former_codes__code"))
    # A union, not OR: each half goes by its own index.
    found: dict[str, Participant] = {
        row.found_by: row for row in current.union(former, all=True)
    }
    for participant in found.values():
        participant.campaign = campaign
    return found


def owners_of(code: str) -> list[UUID]:
    """Who has this code, or had it and can still be found by it: one at most."""
    return list(_having(code).values_list("pk", flat=True))


def present_code(code: str) -> str | None:
    """The code of whoever has this one, or had it and can still be found by it."""
    return next(iter(_having(code).values_list("code", flat=True)), None)


def campaign_of_erased(code: str) -> Campaign | None:
    """The campaign of somebody who was erased, by a code that they had."""
    former = FormerCode.objects.filter(code__in=erased_forms(code.upper()))
    found = former.select_related("participant__campaign").first()
    return found.participant.campaign if found else None


@transaction.atomic
def rotate_code(
    participant: Participant,
    *,
    wall: datetime,
    code: str = "",
    keep_old: bool | None = None,
) -> Participant:
    """Give somebody the code that they chose, or else a new random one.

    Links with the old one go on working after a choice, and stop working when it is
    replaced by a random one; `keep_old` says otherwise. A code that is or was
    somebody else's is CodeTaken; one's own former code can be had again.
    """
    locked = lock_living(participant)
    chosen, old = code.upper() or new_code(), locked.code
    if chosen == old:
        return locked
    locked.former_codes.filter(code=chosen).delete()
    _take(locked, chosen)
    works = bool(code) if keep_old is None else keep_old
    FormerCode.objects.create(
        code=old, participant=locked, works=works, retired_at=wall
    )
    participant_updated.send(sender=Participant, instances=[locked])
    return locked


def erased_forms(code: str) -> list[str]:
    """What is kept of a code whose owner was erased: it stays nobody else's."""
    return [ERASED + digest[:39] for digest in digests_of(f"code:{code}")]


def _having(code: str) -> QuerySet[Participant]:
    people, wanted = Participant.objects.order_by(), code.upper()
    former = people.filter(former_codes__code=wanted, former_codes__works=True)
    return people.filter(code=wanted).union(former, all=True)


def _take(participant: Participant, code: str) -> None:
    """The constraints are the guard: whoever comes second waits, and is refused."""
    try:
        with transaction.atomic():
            Participant.objects.filter(pk=participant.pk).update(code=code)
    except IntegrityError as error:
        raise _taken(code) from error
    # After it was taken, as for former codes: by now we see who had it before.
    if FormerCode.objects.filter(code__in=erased_forms(code)).exists():
        raise _taken(code)
    participant.code = code


def _taken(code: str) -> CodeTaken:
    return CodeTaken(f"{code} is, or was, somebody else's code.")
