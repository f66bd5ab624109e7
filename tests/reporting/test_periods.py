from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from referral_factory.reporting.periods import (
    Interval,
    Period,
    buckets,
    fitting,
    midnight,
)

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_a_day_is_an_hour_shorter_or_longer_when_clocks_change() -> None:
    spring, autumn = date(2025, 3, 9), date(2025, 11, 2)
    for day, hours in ((spring, 23), (autumn, 25), (date(2025, 6, 1), 24)):
        period = Period(day, day, NEW_YORK)
        assert period.ends - period.begins == timedelta(hours=hours)


def test_a_day_whose_midnight_is_skipped_begins_at_the_change() -> None:
    beirut = ZoneInfo("Asia/Beirut")  # went from 00:00 to 01:00 on this day
    assert midnight(date(2024, 3, 31), beirut) == datetime(2024, 3, 30, 22, tzinfo=UTC)


def test_a_day_that_a_country_skipped_is_empty() -> None:
    apia = ZoneInfo("Pacific/Apia")
    period = Period(date(2011, 12, 30), date(2011, 12, 30), apia)
    assert period.begins == period.ends


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    period = Period(date(2026, 1, 28), date(2026, 3, 2), ZoneInfo("UTC"))
    weeks = period.starts(Interval.WEEK)
    assert weeks[:2] == [date(2026, 1, 28), date(2026, 2, 2)]
    assert all(day.weekday() == 0 for day in weeks[1:])
    months = [date(2026, 1, 28), date(2026, 2, 1), date(2026, 3, 1)]
    assert period.starts(Interval.MONTH) == months


@pytest.mark.parametrize("interval", Interval)
def test_buckets_cover_the_period_without_a_gap(interval: Interval) -> None:
    period = Period(date(2025, 12, 11), date(2026, 4, 15), NEW_YORK)
    found = buckets(period, interval, NOW)
    assert found[0].first == period.first
    assert found[-1].last == period.last
    for bucket, following in pairwise(found):
        assert following.first - bucket.last == timedelta(days=1)


def test_buckets_that_are_cut_short_or_still_running_are_not_complete() -> None:
    period = Period(date(2026, 4, 10), date(2026, 7, 1), ZoneInfo("UTC"))
    found = buckets(period, Interval.MONTH, NOW)
    assert [bucket.complete for bucket in found] == [False, True, True, False]
    days = buckets(period, Interval.DAY, NOW)
    assert [bucket.first for bucket in days if not bucket.complete] == [period.last]


def test_the_period_before_ends_the_day_before() -> None:
    period = Period(date(2026, 3, 1), date(2026, 3, 31), NEW_YORK)
    before = period.before()
    assert (before.first, before.last) == (date(2026, 1, 29), date(2026, 2, 28))
    assert before.ends == period.begins


@pytest.mark.parametrize(
    ("days", "interval"),
    [(1, "day"), (92, "day"), (93, "week"), (732, "week"), (733, "month")],
)
def test_longer_periods_are_shown_in_longer_intervals(days: int, interval: str) -> None:
    first = date(2020, 1, 1)
    period = Period(first, first + timedelta(days=days - 1), ZoneInfo("UTC"))
    assert fitting(period) == interval
