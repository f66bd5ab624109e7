"""Days in a time zone, and the moments at which they begin. Pure functions."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

LONGEST = 50 * 366  # days that one report covers at most
MOST_BUCKETS = 1_100  # three years by day
EARLIEST = date(1900, 1, 1)
LATEST = date(2999, 12, 31)


class Interval(StrEnum):
    DAY = "day"
    WEEK = "week"  # begins on Monday
    MONTH = "month"

    def start_of(self, day: date) -> date:
        """The first day of the interval that a day is in."""
        if self is Interval.DAY:
            return day
        if self is Interval.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1)

    def after(self, day: date) -> date:
        """The first day of the interval that follows the one that a day is in."""
        if self is Interval.MONTH:
            return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        return self.start_of(day) + timedelta(days=7 if self is Interval.WEEK else 1)


@dataclass(frozen=True)
class Period:
    """Whole days of a time zone, from the first to the last, both included."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def begins(self) -> datetime:
        return midnight(self.first, self.zone)

    @property
    def ends(self) -> datetime:
        """The moment after its last one."""
        return midnight(self.last + timedelta(days=1), self.zone)

    def before(self) -> "Period":
        """As many days, right before this period."""
        last = self.first - timedelta(days=1)
        return Period(self.first - timedelta(days=self.days), last, self.zone)

    def starts(self, interval: Interval) -> list[date]:
        """The first day of each bucket; at both ends one may be cut short."""
        starts = [self.first]
        while (following := interval.after(starts[-1])) <= self.last:
            starts.append(following)
        return starts


@dataclass(frozen=True)
class Bucket:
    """A day, week or month of a report, or the part of it that the period covers."""

    first: date
    last: date
    complete: bool  # neither cut short by the period nor still running


def buckets(period: Period, interval: Interval, now: datetime) -> list[Bucket]:
    day = timedelta(days=1)
    firsts = [*period.starts(interval), period.last + day]
    return [
        Bucket(first, following - day, _whole(first, following, interval, period, now))
        for first, following in pairwise(firsts)
    ]


def _whole(
    first: date, following: date, interval: Interval, period: Period, now: datetime
) -> bool:
    uncut = interval.start_of(first) == first and interval.after(first) == following
    return uncut and midnight(following, period.zone) <= now


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The moment that a day begins at, in UTC.

    Where a clock change skips midnight, that is the moment of the change.
    """
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def fitting(period: Period) -> Interval:
    """The interval that shows a period best when nobody asked for another."""
    if period.days <= 92:
        return Interval.DAY
    return Interval.WEEK if period.days <= 2 * 366 else Interval.MONTH
