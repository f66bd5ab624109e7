"""Which referrals two rows of one person keep, and on which of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import connection
from django.utils import timezone

from referrals.models import Participant, Referral
from referrals.services.referrals import disqualify_referral
from referrals.services.rings import advocates_above

Status = Referral.Status
Refuse = Callable[[Referral, str], None]

TO_SELF = "Advocate and friend turned out to be one person."
NOT_FIRST = "The friend turned out to have been referred by somebody else before."
RING = "Its friend is among the advocates above the person that its advocate is."

COUNTS_SO_FAR = (Status.PENDING, Status.HOLDING, Status.QUALIFIED)
HOW_FAR = {Status.HOLDING: 1, Status.QUALIFIED: 2}


@dataclass(frozen=True)
class Pair:
    """Two rows of one person: the one that stays, and the one that is left behind."""

    kept: Participant
    other: Participant

    @property
    def keys(self) -> frozenset[UUID]:
        return frozenset([self.kept.pk, self.other.pk])


def merge_referrals(
    pair: Pair, referrals: Sequence[Referral], *, by: str, now: datetime
) -> Referral | None:
    """Move what the other row has to the kept one; what cannot be is disqualified.

    `referrals` are all those of either, locked. Returns the referral by which the kept
    one is a friend from now on, where it still counts.
    """
    refuse = partial(_refuse, by=by, now=now)
    slots = {each.friend_id: each for each in referrals if each.friend_id in pair.keys}
    mine, theirs = slots.get(pair.kept.pk), slots.get(pair.other.pk)
    winner = _choose(pair, mine, theirs, refuse)
    above = _above(winner.advocate_id) if winner else set()
    brought = [
        each
        for each in referrals
        if each.advocate_id == pair.other.pk and each.friend_id not in pair.keys
    ]
    for referral in brought:
        if referral.friend_id in above:
            refuse(referral, RING)  # and stays where it is
    moving = [each.pk for each in brought if each.friend_id not in above]
    Referral.objects.filter(pk__in=moving).update(advocate=pair.kept)
    _place(pair, mine, theirs, winner)
    return winner if winner and winner.status in COUNTS_SO_FAR else None


def _choose(
    pair: Pair, mine: Referral | None, theirs: Referral | None, refuse: Refuse
) -> Referral | None:
    """The first one, unless the other got further. The others are disqualified."""
    open_to_choice = []
    for each in filter(None, [mine, theirs]):
        if each.advocate_id in pair.keys:
            refuse(each, TO_SELF)
        elif each is theirs and pair.kept.pk in _above(each.advocate_id):
            refuse(each, RING)
        else:
            open_to_choice.append(each)
    ranked = sorted(open_to_choice, key=_precedence)
    for loser in ranked[1:]:
        refuse(loser, NOT_FIRST)
    return ranked[0] if ranked else None


def _precedence(referral: Referral) -> tuple[int, datetime, UUID]:
    further = HOW_FAR.get(Status(referral.status), 0)
    return -further, referral.created_at, referral.pk


def _refuse(referral: Referral, reason: str, *, by: str, now: datetime) -> None:
    if referral.status in COUNTS_SO_FAR:
        disqualify_referral(referral, now=now, reason=reason, by=by)


def _above(advocate_id: UUID) -> set[UUID]:
    """The advocate, their advocate, and so on upwards."""
    return {advocate_id, *advocates_above([advocate_id]).values()}


def _place(
    pair: Pair,
    mine: Referral | None,
    theirs: Referral | None,
    winner: Referral | None,
) -> None:
    """Put the chosen one on the kept row, and what was there on the other."""
    leaves = mine if mine is not winner else None
    moves_in = theirs if theirs is winner else None
    if leaves and moves_in:
        # Each row has one place for a referral: to swap, one waits on a third row.
        with _stand_in(pair) as aside:
            _move(moves_in, friend=aside)
            _leave_behind(leaves, pair)
            _move(moves_in, friend=pair.kept)
    elif leaves and not theirs:
        _leave_behind(leaves, pair)
    elif moves_in:
        _move(moves_in, friend=pair.kept)


def _leave_behind(referral: Referral, pair: Pair) -> None:
    """On the other row; one between the two then leads from the kept to the other."""
    own = {"advocate": pair.kept} if referral.advocate_id == pair.other.pk else {}
    _move(referral, friend=pair.other, **own)


def _move(referral: Referral, **people: Participant) -> None:
    Referral.objects.filter(pk=referral.pk).update(**people)
    for side, person in people.items():
        setattr(referral, side, person)


@contextmanager
def _stand_in(pair: Pair) -> Iterator[Participant]:
    """A row of nobody, which nobody else ever sees."""
    row = Participant.objects.create(
        campaign=pair.kept.campaign,
        status=Participant.Status.ERASED,
        erased_at=timezone.now(),
    )
    yield row
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM referrals_participant WHERE id = %s", [row.pk])
