"""Backtests: asked for, worked on in chunks, cancelled, forgotten.

Small ones are answered in the call that asks for them; the rest is a worker's. The
sums after a chunk, its changes and its position are one transaction, and nothing else
is ever written: whoever finds a lease over goes on from where it was left.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from referral_factory.backtests.models import Backtest
from referral_factory.backtests.rules import Rules, rules_of
from referral_factory.backtests.trial import try_chunk
from referral_factory.errors import DomainError, InvalidInput
from referrals.models import Campaign, Referral
from referrals.services.locks import lock_campaign

log = logging.getLogger(__name__)

Status = Backtest.Status
LEASE = timedelta(seconds=20)  # many times what a chunk takes
AT_ONCE = 2.0  # seconds that the call which asks for one may take
TURN = 8.0  # seconds that one may have before the next in line
MOST = 5  # that may run in one campaign


class TooManyBacktests(DomainError):
    code = "too_many_backtests"


class LostLease(Exception):
    """Somebody else is at work on it now, or it was cancelled: nothing is kept."""


def start_backtest(
    campaign: Campaign,
    *,
    tried: Rules,
    begins_at: datetime | None = None,
    ends_at: datetime | None = None,
    by: str,
    clock: Callable[[], datetime] = timezone.now,
) -> Backtest:
    """Try these rules on the past; see tried_rules.

    What is left after a moment's work goes on in the background.
    """
    _refuse_backwards(begins_at, ends_at)
    backtest = queue_backtest(
        campaign, clock(), tried=tried, begins_at=begins_at, ends_at=ends_at, by=by
    )
    _work(backtest, clock=clock, seconds=AT_ONCE)
    return backtest


@transaction.atomic
def queue_backtest(
    campaign: Campaign,
    wall: datetime,
    *,
    tried: Rules,
    begins_at: datetime | None = None,
    ends_at: datetime | None = None,
    by: str,
) -> Backtest:
    """One that is ours to begin, unless too many are running. Others wait to count."""
    lock_campaign(campaign)
    if campaign.backtests.filter(status=Status.RUNNING).count() >= MOST:
        raise TooManyBacktests(
            f"{MOST} are running for this campaign. Wait for one, or cancel it."
        )
    return Backtest.objects.create(
        campaign=campaign,
        tried=tried.as_json(),
        held=rules_of(campaign).as_json(),
        begins_at=begins_at,
        ends_at=ends_at,
        total_referrals=Referral.objects.filter(campaign=campaign).count(),
        made_by=by,
        created_at=wall,
        lease_until=wall + LEASE,
    )


def cancel_backtest(backtest: Backtest, *, wall: datetime) -> Backtest:
    """Stop here. What it found so far is kept."""
    backtest.move_to(Status.CANCELLED, finished_at=wall, lease_until=None)
    return backtest


def work_on_backtests(
    *, clock: Callable[[], datetime] = timezone.now, seconds: float = TURN
) -> bool:
    """Take the next one in line and go on with it for a while; False if none is."""
    taken = _take(clock())
    if taken is None:
        return False
    _work(taken, clock=clock, seconds=seconds)
    return True


def purge_backtests(*, wall: datetime) -> int:
    """Forget what was found long ago."""
    before = wall - timedelta(days=settings.BACKTEST_RETENTION_DAYS)
    old = Backtest.objects.filter(finished_at__lt=before)
    return old.delete()[0]


def _take(wall: datetime) -> Backtest | None:
    """Lease the one that has come least far; none while another is worked on."""
    waiting = Backtest.objects.filter(status=Status.RUNNING)
    if waiting.filter(lease_until__gt=wall).exists():
        return None
    found = waiting.order_by("done_referrals", "id").first()
    if found is None:
        return None
    before, found.lease_until = found.lease_until, wall + LEASE
    same = waiting.filter(pk=found.pk, position=found.position, lease_until=before)
    if not same.update(lease_until=found.lease_until):
        return None
    if before is not None:
        log.warning("Took over %s, whose worker is gone.", found.public_id)
    return found


def _work(backtest: Backtest, *, clock: Callable[[], datetime], seconds: float) -> None:
    until = time.monotonic() + seconds
    try:
        while _do_chunk(backtest, wall=clock()) and time.monotonic() < until:
            pass
        _release(backtest)
    except LostLease:
        log.warning("%s is no longer ours.", backtest.public_id)


def _do_chunk(backtest: Backtest, *, wall: datetime) -> bool:
    """Whether there is more to do."""
    # Afresh, and by the clock of now: referrals are read as they are, and what time has
    # decided of them since the backtest began is decided of both sides.
    campaign = Campaign.objects.get(pk=backtest.campaign_id)
    chunk = try_chunk(backtest, campaign, wall=wall)
    with transaction.atomic():
        _advance(backtest, wall, **chunk.progress)
        chunk.keep_changes()
        if not chunk.more:
            backtest.move_to(Status.DONE, finished_at=wall, lease_until=None)
    return chunk.more


def _advance(backtest: Backtest, wall: datetime, **changes: Any) -> None:
    """Move on, if it is still where we took it up; LostLease if not."""
    same = Backtest.objects.filter(
        pk=backtest.pk,
        status=Status.RUNNING,
        position=backtest.position,
        lease_until=backtest.lease_until,
    )
    changes["lease_until"] = wall + LEASE
    if not same.update(**changes):
        raise LostLease
    for name, value in changes.items():
        setattr(backtest, name, value)


def _release(backtest: Backtest) -> None:
    Backtest.objects.filter(pk=backtest.pk, lease_until=backtest.lease_until).update(
        lease_until=None
    )


def _refuse_backwards(begins_at: datetime | None, ends_at: datetime | None) -> None:
    if begins_at and ends_at and ends_at < begins_at:
        raise InvalidInput("/to", "It ends before it begins.", "out_of_order")
