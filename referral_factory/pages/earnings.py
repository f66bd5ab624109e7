"""What somebody earned so far, in words that do not tell how we decide."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum
from django.utils.functional import Promise
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext_lazy as _

from referral_factory import money
from referral_factory.pages.people import short_name
from referrals.models import Participant
from rewards.models import Reward

Status = Reward.Status
AT_MOST = 50

SHOWN = (
    "recipient",
    "amount",
    "currency",
    "status",
    "created_at",
    "referral__friend__name",
)

CHECKED = _("Being checked")
ON_ITS_WAY = _("On its way")
WORDS: dict[str, str | Promise] = {
    Status.PENDING: CHECKED,
    Status.FLAGGED: CHECKED,  # nobody is told that they are suspected
    Status.APPROVED: ON_ITS_WAY,
    Status.WAITING: ON_ITS_WAY,
    Status.ISSUING: ON_ITS_WAY,
    Status.FAILED: ON_ITS_WAY,
    Status.ISSUED: _("Received"),
    Status.REJECTED: _("Not granted"),
    Status.CANCELLED: _("Not granted"),
    Status.CLAWED_BACK: _("Taken back"),
}
TONES = {Status.ISSUED: "good"} | dict.fromkeys(
    [Status.REJECTED, Status.CANCELLED, Status.CLAWED_BACK], "off"
)
# Which total a status counts to; the others count to none.
RECEIVED = frozenset({Status.ISSUED})
COMING = frozenset({Status.APPROVED, Status.WAITING, Status.ISSUING, Status.FAILED})
IN_REVIEW = frozenset({Status.PENDING, Status.FLAGGED})


@dataclass(frozen=True)
class Earned:
    amount: str
    friend: str  # who it is for; empty for one's own, or where we do not know
    is_own: bool  # for having come by somebody's link
    status: str | Promise
    tone: str
    earned_at: datetime


@dataclass(frozen=True)
class Total:
    """In one currency."""

    currency: str
    received: str
    coming: str
    in_review: str


def rewards_of(participant: Participant) -> list[Earned]:
    newest = participant.rewards.select_related("referral__friend").order_by("-id")
    return [_earned(reward, participant) for reward in newest.only(*SHOWN)[:AT_MOST]]


def _earned(reward: Reward, participant: Participant) -> Earned:
    friend = reward.referral.friend
    is_own = friend.pk == participant.pk
    return Earned(
        amount=_amount(reward.amount, reward.currency),
        friend="" if is_own else short_name(friend.name),
        is_own=is_own,
        status=WORDS[reward.status],
        tone=TONES.get(Status(reward.status), "open"),
        earned_at=reward.created_at,
    )


def totals_of(participant: Participant) -> list[Total]:
    """Of all rewards, by currency."""
    rows = participant.rewards.order_by().values_list("currency", "status")
    sums: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for currency, status, amount in rows.annotate(sum=Sum("amount")):
        sums[currency][status] = amount
    return [_total(currency, by_status) for currency, by_status in sorted(sums.items())]


def _total(currency: str, by_status: dict[str, Decimal]) -> Total:
    received, coming, in_review = (
        sum((amount for name, amount in by_status.items() if name in kind), Decimal(0))
        for kind in (RECEIVED, COMING, IN_REVIEW)
    )
    return Total(
        currency=currency,
        received=_amount(received, currency),
        coming=_amount(coming, currency) if coming else "",
        in_review=_amount(in_review, currency) if in_review else "",
    )


def _amount(amount: Decimal, currency: str) -> str:
    return money.for_people(amount, currency, to_locale(get_language() or "en_US"))
