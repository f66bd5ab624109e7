"""Every number that we report: its name, what it means, and how it is counted.

The page, the API, its documentation and the CSV all take their words from here, and
`reports` takes from here what to count. All moments are in the campaign's own time.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Model, Q

from referrals.models import Click, Participant, Referral
from rewards.models import Reward

Status = Reward.Status


@dataclass(frozen=True)
class Number:
    """Rows of one model, counted by a moment of theirs."""

    name: str
    title: str
    definition: str
    model: type[Model]
    moment: str = ""  # the field that says when; empty: it is counted as it stands now
    only: Q = field(default_factory=Q)
    money: bool = False  # also summed, for each currency by itself

    @property
    def rows(self) -> Any:
        return self.model._default_manager.filter(self.only)


ENROLMENTS = Number(
    "enrolments",
    "Enrolments",
    "People who joined in the period, as advocates or as friends.",
    Participant,
    "created_at",
)
CLICKS = Number(
    "clicks",
    "Clicks",
    "Visits to the links of advocates in the period. Known robots are left out.",
    Click,
    "created_at",
)
REFERRED = Number(
    "referred",
    "Referred friends",
    "Friends who were credited to an advocate in the period, whatever became of them.",
    Referral,
    "created_at",
)
QUALIFIED = Number(
    "qualified",
    "Qualified",
    "Referrals that qualified in the period and still count. One that was "
    "disqualified or reopened since is not among them.",
    Referral,
    "qualified_at",
    Q(status=Referral.Status.QUALIFIED),
)
FLAGGED = Number(
    "flagged",
    "Waiting for review",
    "Rewards that are flagged and wait for a person to decide, as it stands now: "
    "the period makes no difference.",
    Reward,
    only=Q(status=Status.FLAGGED),
    money=True,
)
ISSUED = Number(
    "issued",
    "Rewards issued",
    "Rewards that were handed over in the period, also those that were clawed back "
    "later. Money is summed for each currency by itself.",
    Reward,
    "issued_at",
    Q(status__in=[Status.ISSUED, Status.CLAWED_BACK]),
    money=True,
)
CANCELLED = Number(
    "cancelled",
    "Cancelled",
    "Rewards that were granted in the period and cancelled before they were issued.",
    Reward,
    "created_at",
    Q(status=Status.CANCELLED),
    money=True,
)
CLAWED_BACK = Number(
    "clawed_back",
    "Clawed back",
    "Issued rewards that were taken back in the period, whenever they were issued.",
    Reward,
    "decided_at",
    Q(status=Status.CLAWED_BACK),
    money=True,
)

NUMBERS = (
    ENROLMENTS,
    CLICKS,
    REFERRED,
    QUALIFIED,
    FLAGGED,
    ISSUED,
    CANCELLED,
    CLAWED_BACK,
)
SERIES = (ENROLMENTS, CLICKS, REFERRED, QUALIFIED, ISSUED)  # shown over time

RATE = "qualification_rate"
RATE_TITLE = "Qualification rate"
RATE_DEFINITION = (
    "Qualified referrals of the period for each friend who was referred in it; zero "
    "where nobody was. It passes 100% when friends of an earlier period qualify."
)

DEFINITIONS = {
    **{number.name: number.definition for number in NUMBERS},
    RATE: RATE_DEFINITION,
}


def qualification_rate(*, qualified: int, referred: int) -> Decimal:
    """Qualified for each referred friend, to four places: 0.25 is a quarter."""
    if not referred:
        return Decimal(0)
    return (Decimal(qualified) / referred).quantize(Decimal("0.0001"))
