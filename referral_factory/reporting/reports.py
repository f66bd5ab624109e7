"""The reports: a fixed number of set-based queries each, and nothing else.

They read the rows themselves, which are the truth. What they answer does not depend
on that: pre-aggregated rows can take their place behind the same functions.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    Count,
    DateTimeField,
    F,
    Func,
    IntegerField,
    Max,
    Min,
    Q,
    QuerySet,
    Sum,
    Value,
)

from referral_factory.reporting.definitions import (
    ENROLMENTS,
    FLAGGED,
    ISSUED,
    NUMBERS,
    QUALIFIED,
    REFERRED,
    SERIES,
    Number,
    qualification_rate,
)
from referral_factory.reporting.periods import Bucket, Interval, Period, buckets
from referrals.models import Campaign, Event, Participant, Referral
from rewards.models import Side


class Money(NamedTuple):
    currency: str
    amount: Decimal


@dataclass
class Tally:
    """How many, and how much money in each currency."""

    count: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)

    def add(self, count: int, currency: str, amount: Decimal) -> None:
        self.count += count
        if count and currency:
            self.amounts[currency] = self.amounts.get(currency, Decimal(0)) + amount

    @property
    def money(self) -> list[Money]:
        return sorted(Money(*pair) for pair in self.amounts.items())


class Numbers(dict[str, Tally]):
    """A tally for each number that was counted, by its name."""

    def __missing__(self, name: str) -> Tally:
        tally = self[name] = Tally()
        return tally

    @property
    def rate(self) -> Decimal:
        return qualification_rate(
            qualified=self[QUALIFIED.name].count, referred=self[REFERRED.name].count
        )

    @property
    def empty(self) -> bool:
        """Whether nothing happened. What waits now says nothing about a period."""
        return not any(t.count for name, t in self.items() if name != FLAGGED.name)


@dataclass(frozen=True)
class Summary:
    total: Numbers
    before: Numbers | None  # in the period before, when it was asked for
    campaigns: Mapping[UUID, Numbers]


@dataclass(frozen=True)
class Point:
    """What happened in one bucket."""

    bucket: Bucket
    numbers: Numbers


@dataclass(frozen=True)
class Timeseries:
    points: list[Point]
    before: list[Point]  # of the period before; empty unless it was asked for


@dataclass(frozen=True)
class Advocate:
    """One line of the list of top advocates."""

    participant: Participant
    referred: int
    qualified: int
    issued: Tally


def summary(
    campaigns: Sequence[Campaign], period: Period, *, compare: bool = False
) -> Summary:
    """All numbers of a period, in all of these campaigns and in each. 8 queries."""
    total, before = Numbers(), Numbers()
    each: dict[UUID, Numbers] = defaultdict(Numbers)
    edges = [*([period.before().begins] if compare else []), period.begins, period.ends]
    for number in NUMBERS:
        standing = not number.moment
        for row in _counted(number, campaigns, edges, "campaign_id"):
            amount = (row["n"], row.get("currency", ""), row.get("sum") or Decimal(0))
            if standing or row["bucket"] == len(edges) - 1:
                total[number.name].add(*amount)
                each[row["campaign_id"]][number.name].add(*amount)
            else:
                before[number.name].add(*amount)
    return Summary(total, before if compare else None, each)


def timeseries(
    campaigns: Sequence[Campaign],
    period: Period,
    interval: Interval,
    *,
    now: datetime,
    compare: bool = False,
) -> Timeseries:
    """The numbers of SERIES in each day, week or month of a period. 5 queries.

    `now` is the campaigns' time: the bucket that it is in is not complete.
    """
    parts = [period.before(), period] if compare else [period]
    points = [
        Point(bucket, Numbers())
        for part in parts
        for bucket in buckets(part, interval, now)
    ]
    edges = [Period(p.bucket.first, p.bucket.last, period.zone).begins for p in points]
    edges.append(period.ends)
    for number in SERIES:
        for row in _counted(number, campaigns, edges):
            points[row["bucket"] - 1].numbers[number.name].add(
                row["n"], row.get("currency", ""), row.get("sum") or Decimal(0)
            )
    shown = len(buckets(period, interval, now))
    return Timeseries(points[-shown:], points[:-shown])


def top_advocates(
    campaigns: Sequence[Campaign], period: Period, *, limit: int = 10
) -> list[Advocate]:
    """Who brought the most qualified referrals, then friends. 3 queries."""
    referrals = Referral.objects.filter(_in(campaigns))
    found = list(
        referrals.values("advocate_id")
        .annotate(
            referred=Count("pk", filter=_within(REFERRED, period)),
            qualified=Count("pk", filter=_within(QUALIFIED, period)),
        )
        .filter(Q(referred__gt=0) | Q(qualified__gt=0))
        .order_by("-qualified", "-referred", "advocate_id")[:limit]
    )
    people = Participant.objects.in_bulk([row["advocate_id"] for row in found])
    issued = _issued_to(people, period)
    return [
        Advocate(
            people[row["advocate_id"]],
            row["referred"],
            row["qualified"],
            issued[row["advocate_id"]],
        )
        for row in found
    ]


def span(campaigns: Sequence[Campaign]) -> tuple[datetime, datetime] | None:
    """The first and the last enrolment; None when nobody is enrolled. 1 query."""
    found = ENROLMENTS.rows.filter(_in(campaigns)).aggregate(
        first=Min("created_at"), last=Max("created_at")
    )
    return (found["first"], found["last"]) if found["first"] else None


def flagged_now() -> int:
    """How many rewards of live campaigns and test ones wait for a person."""
    waiting: int = FLAGGED.rows.count()
    return waiting


def unmatched_now(campaigns: Sequence[Campaign], *, most: int) -> int:
    """How many events wait for their person or referral; `most` stands for more."""
    waiting = Event.objects.filter(_in(campaigns), outcome=Event.Outcome.UNMATCHED)
    return waiting.order_by()[:most].count()


def _issued_to(people: Iterable[UUID], period: Period) -> Mapping[UUID, Tally]:
    rows = (
        ISSUED.rows.filter(_within(ISSUED, period))
        .filter(recipient__in=list(people), side=Side.ADVOCATE)
        .values("recipient_id", "currency")
        .annotate(n=Count("pk"), sum=Sum("amount"))
        .order_by()
    )
    issued: dict[UUID, Tally] = defaultdict(Tally)
    for row in rows:
        issued[row["recipient_id"]].add(row["n"], row["currency"], row["sum"])
    return issued


def _counted(
    number: Number,
    campaigns: Sequence[Campaign],
    edges: Sequence[datetime],
    *by: str,
) -> Iterator[dict[str, Any]]:
    """Counts, and sums of money, between each two edges: bucket 1 is the first."""
    rows: QuerySet[Any] = number.rows.filter(_in(campaigns)).order_by()
    groups = [*by]
    if number.moment:
        rows = rows.filter(
            **{f"{number.moment}__gte": edges[0], f"{number.moment}__lt": edges[-1]}
        ).annotate(bucket=_bucket(number.moment, edges))
        groups.append("bucket")
    found: dict[str, Any] = {"n": Count("pk")}
    if number.money:
        groups.append("currency")
        found["sum"] = Sum("amount")
    yield from rows.values(*groups).annotate(**found)


def _bucket(moment: str, edges: Sequence[datetime]) -> Func:
    """Which two edges a moment lies between.

    The edges are worked out here rather than by date_trunc in the server, so that the
    counts and the days that they are shown under cannot disagree about a clock change.
    """
    return Func(
        F(moment),
        Value(list(edges), output_field=ArrayField(DateTimeField())),
        function="width_bucket",
        output_field=IntegerField(),
    )


def _in(campaigns: Sequence[Campaign]) -> Q:
    return Q(campaign_id__in=[campaign.pk for campaign in campaigns])


def _within(number: Number, period: Period) -> Q:
    return number.only & Q(
        **{
            f"{number.moment}__gte": period.begins,
            f"{number.moment}__lt": period.ends,
        }
    )
