"""How far a referral got: the verbs, and the sweeps that time asks for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet, prefetch_related_objects
from django.dispatch import Signal

from referral_factory.ids import new_id
from referral_factory.states import IllegalTransition
from referrals.models import Campaign, Referral, ReferralChange
from referrals.models.referral import BY_RULE
from referrals.services import judging
from referrals.signals import (
    referral_disqualified,
    referral_expired,
    referral_holding,
    referral_qualified,
    referral_reopened,
)

Status = Referral.Status


@transaction.atomic
def qualify_referral(
    referral: Referral, *, now: datetime, reason: str = "", by: str = BY_RULE
) -> None:
    """Make the referral count. Rewards listen for this and grant themselves."""
    with _told(referral, referral_qualified, at=now):
        referral.qualify(now=now, reason=reason, by=by)


@transaction.atomic
def disqualify_referral(
    referral: Referral, *, now: datetime, reason: str, by: str = BY_RULE
) -> None:
    """Make it not count. Rewards listen for this and are taken back."""
    with _told(referral, referral_disqualified, at=now):
        referral.disqualify(now=now, reason=reason, by=by)


@transaction.atomic
def reconsider_referral(
    referral: Referral, *, by: str, wall: datetime, reason: str
) -> None:
    """A person takes a disqualification back, and says why. The window starts anew."""
    if referral.status != Status.DISQUALIFIED:
        raise IllegalTransition(
            f"It is {referral.status}: only a disqualified one is reopened by hand.",
            current=referral.status,
        )
    if referral.friend.merged_into_id or referral.advocate.merged_into_id:
        raise IllegalTransition(
            "It was left behind when two rows of one person were merged.",
            current=referral.status,
        )
    within = timedelta(days=referral.campaign.milestone_within_days)
    now = referral.campaign.now(wall)
    with _told(referral, referral_reopened, at=now):
        referral.reopen(reason=reason, by=by, expires_at=now + within)


def qualify_held_referrals(*, wall: datetime, limit: int = 500) -> int:
    """Qualify what has been held long enough; safe to run twice, and side by side.

    It counts from the end of its period, not from when the sweep came by.
    """
    due = Referral.objects.held_long_enough(wall)
    return _sweep(due, limit, Status.QUALIFIED, wall)


def expire_referrals(*, wall: datetime, limit: int = 500) -> int:
    """Expire what ran out of time; safe to run twice, and side by side."""
    due = Referral.objects.overdue(wall)
    return _sweep(due, limit, Status.EXPIRED, wall)


def settle_campaign(campaign: Campaign, *, wall: datetime) -> dict[str, int]:
    """All that is due in one campaign, after its clock was moved; says how many."""
    rows, now = Referral.objects.filter(campaign=campaign), campaign.now(wall)
    held = rows.filter(status=Status.HOLDING, holds_until__lte=now)
    overdue = rows.filter(status=Status.PENDING, expires_at__lte=now)
    return {
        "qualified": _sweep_all(held, Status.QUALIFIED, wall),
        "expired": _sweep_all(overdue, Status.EXPIRED, wall),
    }


def _sweep(due: QuerySet[Referral], limit: int, to: Status, wall: datetime) -> int:
    """Move what is due, each as of when it was: two statements, however many."""
    was, when = SWEPT[to]
    with transaction.atomic():
        locked = due.select_for_update(of=("self",), no_key=True, skip_locked=True)
        rows = list(locked.order_by("id").values_list("pk", when)[:limit])
        if rows:
            moves = [(pk, was, to, moment) for pk, moment in rows]
            moved = judging.move([_swept(*each) for each in moves], wall)
            prefetch_related_objects(moved, "campaign")
            tell(moved)
    return len(rows)


# From which status, and what says since when.
SWEPT = {
    Status.QUALIFIED: (Status.HOLDING, "holds_until"),
    Status.EXPIRED: (Status.PENDING, "expires_at"),
}


def _swept(pk: UUID, was: Status, to: Status, moment: datetime) -> judging.Row:
    return {
        "id": new_id(),
        "referral_id": pk,
        "from_status": was.value,
        "to_status": to.value,
        "reason": "",
        "at": moment,
    }


def _sweep_all(due: QuerySet[Referral], to: Status, wall: datetime) -> int:
    total, limit = 0, 500
    while True:
        done = _sweep(due, limit, to, wall)
        total += done
        if done < limit:
            return total


# What is told of a referral that moved to a status.
TOLD = {
    Status.HOLDING: referral_holding,
    Status.QUALIFIED: referral_qualified,
    Status.DISQUALIFIED: referral_disqualified,
    Status.PENDING: referral_reopened,
    Status.EXPIRED: referral_expired,
}


def tell(referrals: Sequence[Referral]) -> None:
    """Announce where these referrals have moved to. They are as they were written."""
    for status, signal in TOLD.items():
        instances = [each for each in referrals if each.status == status]
        if instances:
            signal.send(sender=Referral, instances=instances, as_written=True)


@contextmanager
def _told(referral: Referral, signal: Signal, *, at: datetime) -> Iterator[None]:
    """Keep that a person, or a rule about people, moved it, and announce it."""
    was = referral.status
    yield
    ReferralChange.objects.create(
        referral=referral,
        from_status=was,
        to_status=referral.status,
        reason=referral.reason,
        decided_by=referral.decided_by,
        at=at,
    )
    signal.send(sender=Referral, instances=[referral])
