"""What a report is asked: parameters of an address, read the same for page and API."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from referral_factory.ids import InvalidId, from_public
from referral_factory.reporting import periods
from referral_factory.reporting.periods import Interval, Period
from referral_factory.reporting.reports import span
from referrals.models import Campaign

DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
USUAL_DAYS = 30
UTC = ZoneInfo("UTC")
# Periods that end today, in days; None: from the first enrolment on.
PRESETS = {"7d": 7, "30d": USUAL_DAYS, "90d": 90, "all": None}


@dataclass(frozen=True)
class Mistake:
    """What is wrong with one parameter."""

    name: str
    message: str
    code: str


@dataclass(frozen=True)
class Question:
    """A report to make. What was wrong in the asking is in `mistakes`, and the usual
    value stands in its place."""

    campaign: Campaign | None  # None: all of `campaigns`
    campaigns: Sequence[Campaign]
    period: Period
    preset: str  # a key of PRESETS; empty for a range of one's own
    interval: Interval
    compare: bool
    now: datetime  # in the campaigns' time
    mistakes: Sequence[Mistake]

    def mistake(self, name: str) -> Mistake | None:
        return next((m for m in self.mistakes if m.name == name), None)


def ask(
    values: Mapping[str, str],
    *,
    campaigns: Sequence[Campaign],
    wall: datetime,
    preset: str = "30d",
) -> Question:
    """Read a question about some of these campaigns.

    A `preset` stands in where no period is given. "all" costs one query.
    """
    return _Reader(values, wall).question(campaigns, preset)


@cache
def zone_names() -> frozenset[str]:
    """The names of the tz database; reading them takes a moment, so it is done once."""
    return frozenset(available_timezones())


class _Reader:
    """Reads one parameter after the other, and keeps what was wrong with each."""

    def __init__(self, values: Mapping[str, str], wall: datetime) -> None:
        self.values = {name: text for name, text in values.items() if text}
        self.wall = wall
        self.mistakes: list[Mistake] = []

    def question(self, campaigns: Sequence[Campaign], preset: str) -> Question:
        campaign = self.campaign(campaigns)
        asked = [campaign] if campaign else campaigns
        # Clocks differ in test mode: the furthest one sees everything that happened.
        now = max((c.now(self.wall) for c in asked), default=self.wall)
        zone = self.zone()
        period, preset = self.period(asked, now.astimezone(zone).date(), zone, preset)
        return Question(
            campaign=campaign,
            campaigns=asked,
            period=period,
            preset=preset,
            interval=self.interval(period),
            compare=self.choice("compare", ["previous"]) == "previous",
            now=now,
            mistakes=self.mistakes,
        )

    def wrong(self, name: str, message: str, code: str) -> None:
        self.mistakes.append(Mistake(name, message, code))

    def choice(self, name: str, known: Sequence[str], usual: str = "") -> str:
        text = self.values.get(name, usual)
        if text in known or text == usual:
            return text
        self.wrong(name, f"Choose one of: {', '.join(known)}.", "invalid_choice")
        return usual

    def campaign(self, campaigns: Sequence[Campaign]) -> Campaign | None:
        text = self.values.get("campaign")
        if not text or text == "all":
            return None
        try:
            pk = from_public(Campaign.PREFIX, text)
        except InvalidId:
            pk = None
        found = next((c for c in campaigns if c.pk == pk), None)
        if found is None:
            self.wrong("campaign", "There is no such campaign here.", "not_found")
        return found

    def zone(self) -> ZoneInfo:
        name = self.values.get("tz", "UTC")
        if name in zone_names():
            return ZoneInfo(name)
        message = "There is no time zone of this name; try one such as Europe/Berlin."
        self.wrong("tz", message, "unknown_time_zone")
        return UTC

    def period(
        self, asked: Sequence[Campaign], today: date, zone: ZoneInfo, usual: str
    ) -> tuple[Period, str]:
        first, last = self.day("from"), self.day("to")
        if (first or last) and (own := self.own_range(first, last, today, zone)):
            return own, ""
        preset = self.choice("period", list(PRESETS), usual)
        return _preset(preset, asked, today, zone), preset

    def own_range(
        self, first: date | None, last: date | None, today: date, zone: ZoneInfo
    ) -> Period | None:
        last = last or max(today, first or today)
        first = first or max(last - timedelta(days=USUAL_DAYS - 1), periods.EARLIEST)
        period = Period(first, last, zone)
        if first > last:
            self.wrong("from", "The first day is after the last.", "reversed_range")
            return None
        if period.days > periods.LONGEST:
            self.wrong("from", "A report covers 50 years at most.", "range_too_long")
            return None
        return period

    def day(self, name: str) -> date | None:
        text = self.values.get(name)
        if not text:
            return None
        try:
            day = date.fromisoformat(text) if DAY.fullmatch(text) else None
        except ValueError:
            day = None
        if day is None or not periods.EARLIEST <= day <= periods.LATEST:
            message = "Not a day from 1900-01-01 to 2999-12-31, such as 2026-01-31."
            self.wrong(name, message, "invalid_day")
            return None
        return day

    def interval(self, period: Period) -> Interval:
        usual = periods.fitting(period)
        interval = Interval(self.choice("interval", list(Interval), usual))
        if len(period.starts(interval)) <= periods.MOST_BUCKETS:
            return interval
        message = f"Too many {interval}s to show at once: choose a longer interval."
        self.wrong("interval", message, "too_many")
        return usual


def _preset(
    preset: str, asked: Sequence[Campaign], today: date, zone: ZoneInfo
) -> Period:
    days = PRESETS[preset]
    if days is None and (enrolled := span(asked)):
        first, last = (moment.astimezone(zone).date() for moment in enrolled)
        last = max(last, today)
        return Period(max(first, last - timedelta(periods.LONGEST - 1)), last, zone)
    return Period(today - timedelta(days=(days or USUAL_DAYS) - 1), today, zone)
