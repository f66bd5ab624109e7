"""How far a referral got: the verbs, and the sweeps that time asks for."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.dispatch import Signal

from referral_factory.states import IllegalTransition
from referrals.models import Campaign, Event, Referral
from referrals.models.referral import BY_RULE
from referrals.signals import (
    referral_disqualified,
    referral_expired,
    referral_holding,
    referral_qualified,
    referral_reopened,
)


@transaction.atomic
def hold_referral(referral: Referral, *, until: datetime, event: Event) -> None:
    """Wait out the holding period, so that a refund can still undo it."""
    referral.hold(until=until, event_id=event.pk)
    _announce(referral_holding, [referral])


@transaction.atomic
def qualify_referral(referral: Referral, *, now: datetime, **decision: Any) -> None:
    """Make the referral count. Rewards listen for this and grant themselves.

    `decision`: the `reason` and whose it was (`by`), where a person decided.
    """
    referral.qualify(now=now, **decision)
    _announce(referral_qualified, [referral])


@transaction.atomic
def disqualify_referral(
    referral: Referral, *, now: datetime, reason: str, by: str = BY_RULE
) -> None:
    """Make it not count. Rewards listen for this and are taken back."""
    referral.disqualify(now=now, reason=reason, by=by)
    _announce(referral_disqualified, [referral])


@transaction.atomic
def reopen_referral(referral: Referral, *, reason: str, **changes: Any) -> None:
    """Back to pending: by a refund that leaves too little, or by a person."""
    referral.reopen(reason=reason, **changes)
    _announce(referral_reopened, [referral])


@transaction.atomic
def reconsider_referral(
    referral: Referral, *, by: str, wall: datetime, reason: str
) -> None:
    """A person takes a disqualification back, and says why. The window starts anew."""
    if referral.status != Referral.Status.DISQUALIFIED:
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
    expires_at = referral.campaign.now(wall) + within
    reopen_referral(referral, reason=reason, by=by, expires_at=expires_at)


def qualify_held_referrals(*, wall: datetime, limit: int = 500) -> int:
    """Qualify what has been held long enough; safe to run twice, and side by side."""
    due = Referral.objects.held_long_enough(wall)
    return _sweep(due, limit, _end_holding, referral_qualified)


def expire_referrals(*, wall: datetime, limit: int = 500) -> int:
    """Expire what ran out of time; safe to run twice, and side by side."""
    due = Referral.objects.overdue(wall)
    return _sweep(due, limit, Referral.expire, referral_expired)


def settle_campaign(campaign: Campaign, *, wall: datetime) -> dict[str, int]:
    """All that is due in one campaign, after its clock was moved; says how many."""
    rows, now = Referral.objects.filter(campaign=campaign), campaign.now(wall)
    held = rows.filter(status=Referral.Status.HOLDING, holds_until__lte=now)
    overdue = rows.filter(status=Referral.Status.PENDING, expires_at__lte=now)
    return {
        "qualified": _sweep_all(held, _end_holding, referral_qualified),
        "expired": _sweep_all(overdue, Referral.expire, referral_expired),
    }


def settle_referral(
    campaign: Campaign, *, wall: datetime, **which: Any
) -> Referral | None:
    """The one referral, locked, after what time had already decided about it.

    An event must find what the clock says, whether the sweep came by or not.
    """
    rows = Referral.objects.filter(campaign=campaign, **which)
    locked = rows.select_for_update(no_key=True).first()
    if locked is None:
        return None
    locked.campaign, now = campaign, campaign.now(wall)
    if locked.status == Referral.Status.HOLDING and _at_most(locked.holds_until, now):
        _end_holding(locked)
        _announce(referral_qualified, [locked])
    elif locked.status == Referral.Status.PENDING and locked.expires_at <= now:
        locked.expire()
        _announce(referral_expired, [locked])
    return locked


def _sweep(
    due: QuerySet[Referral],
    limit: int,
    verb: Callable[[Referral], None],
    signal: Signal,
) -> int:
    with transaction.atomic():
        batch = list(
            due.select_related("campaign", "friend", "advocate")
            .select_for_update(of=("self",), no_key=True, skip_locked=True)
            .order_by("id")[:limit]
        )
        for referral in batch:
            verb(referral)
        if batch:
            _announce(signal, batch)
    return len(batch)


def _sweep_all(
    due: QuerySet[Referral], verb: Callable[[Referral], None], signal: Signal
) -> int:
    total, limit = 0, 500
    while True:
        done = _sweep(due, limit, verb, signal)
        total += done
        if done < limit:
            return total


def _end_holding(referral: Referral) -> None:
    # It counts from the end of its period, not from when the sweep came by.
    assert referral.holds_until is not None  # noqa: S101 - by constraint
    referral.qualify(now=referral.holds_until)


def _at_most(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def _announce(signal: Signal, referrals: list[Referral]) -> None:
    signal.send(sender=Referral, instances=referrals)
