"""The clock of a test campaign: moved on, and everything that is due then happens."""

from dataclasses import dataclass
from datetime import datetime

from referrals.models import Campaign, Referral
from referrals.services.campaigns import move_clock
from referrals.services.referrals import settle_campaign

Status = Referral.Status


@dataclass(frozen=True)
class Due:
    """When time next moves a referral of a campaign on, if nothing happens before."""

    counts_at: datetime | None  # the end of the first holding period
    expires_at: datetime | None  # the end of the first window


def advance_clock(
    campaign: Campaign, *, to: datetime, wall: datetime
) -> dict[str, int]:
    """Set the clock, and settle what is due by then; says how many that were.

    Stopped half way, it leaves nothing undone: the sweeps find the rest.
    """
    move_clock(campaign, to=to, wall=wall)
    return settle_campaign(campaign, wall=wall)


def next_due(campaign: Campaign) -> Due:
    rows = Referral.objects.filter(campaign=campaign)
    held = rows.filter(status=Status.HOLDING).order_by("holds_until")
    waiting = rows.filter(status=Status.PENDING).order_by("expires_at")
    return Due(
        held.values_list("holds_until", flat=True).first(),
        waiting.values_list("expires_at", flat=True).first(),
    )
