"""Whom somebody brought, in words that a friend would not mind."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from referral_factory.pages.people import short_name
from referrals.models import Participant, Referral

Status = Referral.Status
AT_MOST = 50  # the newest; the counts are of all

SHOWN = (
    "advocate",
    "status",
    "created_at",
    "expires_at",
    "holds_until",
    "friend__name",
)

WORDS: dict[str, str | Promise] = {
    Status.PENDING: _("Joined"),
    Status.HOLDING: _("Almost there"),
    Status.QUALIFIED: _("Counts"),
    Status.DISQUALIFIED: _("Does not count"),
    Status.EXPIRED: _("Ran out of time"),
}
TONES = {
    Status.PENDING: "open",
    Status.HOLDING: "open",
    Status.QUALIFIED: "good",
    Status.DISQUALIFIED: "off",
    Status.EXPIRED: "off",
}


@dataclass(frozen=True)
class Friend:
    name: str  # "Bea K."; empty where we do not know it
    status: str | Promise
    tone: str
    joined_at: datetime
    changes_at: datetime | None  # when it counts, or runs out
    is_holding: bool


def counts_of(participant: Participant) -> dict[str, int]:
    counts: dict[str, int] = participant.referrals.aggregate(
        friends=Count("pk"), qualified=Count("pk", filter=Q(status=Status.QUALIFIED))
    )
    return counts


def friends_of(participant: Participant) -> list[Friend]:
    newest = participant.referrals.select_related("friend").order_by("-id")
    return [_friend(referral) for referral in newest.only(*SHOWN)[:AT_MOST]]


def _friend(referral: Referral) -> Friend:
    ends = {Status.PENDING: referral.expires_at, Status.HOLDING: referral.holds_until}
    return Friend(
        name=short_name(referral.friend.name),
        status=WORDS[referral.status],
        tone=TONES[Status(referral.status)],
        joined_at=referral.created_at,
        changes_at=ends.get(Status(referral.status)),
        is_holding=referral.status == Status.HOLDING,
    )
