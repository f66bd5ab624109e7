from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from referral_factory.reporting.periods import Interval, Period
from referral_factory.reporting.reports import (
    Numbers,
    Timeseries,
    span,
    summary,
    timeseries,
    top_advocates,
)
from referrals.models import Campaign
from tests.factories import make_campaign
from tests.reporting.histories import History, make_history

ZONES = ["UTC", "Asia/Kolkata", "America/New_York"]
# Both clock changes of New York in 2025: on 9 March and on 2 November.
CHANGES = [date(2025, 3, 9), date(2025, 11, 2)]

Moments = list[datetime]


def around(day: date, zone: ZoneInfo, days: int = 5) -> Period:
    return Period(day - timedelta(days=days), day + timedelta(days=days), zone)


def history_around(period: Period, **options: int) -> tuple[Campaign, History]:
    """A campaign with things that happened in the period, and on both sides of it."""
    margin = timedelta(days=8)
    campaign = make_campaign()
    history = make_history(
        campaign, start=period.begins - margin, end=period.ends + margin, **options
    )
    return campaign, history


def moments(history: History) -> dict[str, Moments]:
    """When each number counts something, by the plainest Python there is."""
    return {
        "enrolments": [p.created_at for p in history.participants],
        "clicks": [c.created_at for c in history.clicks],
        "referred": [r.created_at for r in history.referrals],
        "qualified": [
            r.qualified_at
            for r in history.referrals
            if r.status == "qualified" and r.qualified_at
        ],
        "issued": [r.issued_at for r in history.rewards if r.issued_at],
        "cancelled": [r.created_at for r in history.rewards if r.status == "cancelled"],
        "clawed_back": [
            r.decided_at
            for r in history.rewards
            if r.status == "clawed_back" and r.decided_at
        ],
    }


def on_days(found: Moments, period: Period) -> Counter[date]:
    days = (moment.astimezone(period.zone).date() for moment in found)
    return Counter(day for day in days if period.first <= day <= period.last)


def counts(numbers: Numbers, names: list[str]) -> dict[str, int]:
    return {name: numbers[name].count for name in names}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("seed", range(3))
def test_a_summary_counts_what_happened_in_the_days_of_its_zone(
    zone: str, seed: int
) -> None:
    period = around(CHANGES[seed % 2], ZoneInfo(zone))
    campaign, history = history_around(period, seed=seed)
    expected = {
        name: on_days(found, period).total() for name, found in moments(history).items()
    }
    found = summary([campaign], period).total
    assert counts(found, list(expected)) == expected
    assert expected["clicks"] > 0


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("zone", ZONES)
def test_days_begin_at_midnight_of_their_zone_also_when_clocks_change(
    zone: str, change: date
) -> None:
    period = around(change, ZoneInfo(zone))
    campaign, history = history_around(period, people=60)
    series = timeseries([campaign], period, Interval.DAY, now=period.ends)
    for name in ["enrolments", "clicks", "referred", "qualified", "issued"]:
        shown = {p.bucket.first: p.numbers[name].count for p in series.points}
        expected = on_days(moments(history)[name], period)
        assert shown == {day: expected[day] for day in shown}, name
    assert len(series.points) == 11


@pytest.mark.parametrize("interval", Interval)
@pytest.mark.parametrize("zone", ZONES)
def test_the_buckets_add_up_to_the_summary(zone: str, interval: Interval) -> None:
    period = around(CHANGES[0], ZoneInfo(zone), days=40)
    campaign, _ = history_around(period, people=60)
    series = timeseries([campaign], period, interval, now=period.ends)
    total = summary([campaign], period).total
    names = ["enrolments", "clicks", "referred", "qualified", "issued"]
    assert added_up(series, names) == counts(total, names)
    money: dict[str, Decimal] = defaultdict(Decimal)
    for point in series.points:
        for currency, amount in point.numbers["issued"].money:
            money[currency] += amount
    assert money == total["issued"].amounts


def added_up(series: Timeseries, names: list[str]) -> dict[str, int]:
    return {
        name: sum(point.numbers[name].count for point in series.points)
        for name in names
    }


def test_money_is_summed_for_each_currency_by_itself() -> None:
    period = around(CHANGES[0], ZoneInfo("UTC"), days=30)
    campaign, history = history_around(period, people=90)
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for reward in history.rewards:
        if reward.issued_at and on_days([reward.issued_at], period):
            expected[reward.currency] += Decimal(reward.amount)
    found = summary([campaign], period).total["issued"]
    assert found.amounts == expected
    assert set(expected) == {"USD", "EUR"}


def test_what_waits_for_review_does_not_depend_on_the_period() -> None:
    usual = around(CHANGES[0], ZoneInfo("UTC"))
    campaign, history = history_around(usual, people=90)
    waiting = sum(reward.status == "flagged" for reward in history.rewards)
    long_ago = around(date(2001, 1, 1), ZoneInfo("UTC"))
    assert summary([campaign], long_ago).total["flagged"].count == waiting > 0


def test_the_period_before_is_as_long_and_ends_where_the_period_begins() -> None:
    period = around(CHANGES[1], ZoneInfo("America/New_York"), days=3)
    campaign, history = history_around(period, people=60)
    found = summary([campaign], period, compare=True)
    expected = {
        name: on_days(when, period.before()).total()
        for name, when in moments(history).items()
    }
    assert found.before is not None
    assert counts(found.before, list(expected)) == expected
    assert counts(found.total, list(expected)) == {
        name: on_days(when, period).total() for name, when in moments(history).items()
    }
    series = timeseries([campaign], period, Interval.DAY, now=period.ends, compare=True)
    before = [point.numbers["clicks"].count for point in series.before]
    assert (len(before), sum(before)) == (7, expected["clicks"])


def test_campaigns_are_counted_apart_and_together() -> None:
    period = around(CHANGES[0], ZoneInfo("UTC"))
    (one, _), (other, _) = (history_around(period, seed=n) for n in (1, 2))
    history_around(period, seed=3)  # of a campaign that is not asked about
    both = summary([one, other], period)
    alone = [summary([campaign], period).total for campaign in (one, other)]
    assert [both.campaigns[campaign.pk] for campaign in (one, other)] == alone
    names = list(moments(History()))
    together = Counter(counts(alone[0], names)) + Counter(counts(alone[1], names))
    assert counts(both.total, names) == {name: together[name] for name in names}


def test_the_rate_is_zero_where_nobody_was_referred() -> None:
    campaign = make_campaign()
    period = around(CHANGES[0], ZoneInfo("UTC"))
    assert summary([campaign], period).total.rate == 0


def test_the_rate_is_qualified_for_each_referred_friend() -> None:
    period = around(CHANGES[0], ZoneInfo("UTC"))
    campaign, _ = history_around(period, people=60)
    total = summary([campaign], period).total
    share = Decimal(total["qualified"].count) / total["referred"].count
    assert total.rate == share.quantize(Decimal("0.0001")) > 0


def test_no_campaigns_make_empty_reports() -> None:
    period = around(CHANGES[0], ZoneInfo("UTC"))
    assert summary([], period).total.empty
    series = timeseries([], period, Interval.DAY, now=period.ends)
    assert added_up(series, ["clicks"]) == {"clicks": 0}
    assert top_advocates([], period) == []
    assert span([]) is None


def test_top_advocates_brought_the_most_qualified_friends() -> None:
    period = around(CHANGES[0], ZoneInfo("Asia/Kolkata"))
    campaign, history = history_around(period, people=90)
    qualified = Counter(
        referral.advocate_id
        for referral in history.referrals
        if referral.status == "qualified"
        and referral.qualified_at
        and on_days([referral.qualified_at], period)
    )
    found = top_advocates([campaign], period, limit=5)
    best = [count for _, count in qualified.most_common(5)]
    assert [advocate.qualified for advocate in found] == best
    for advocate in found:
        assert advocate.qualified == qualified[advocate.participant.pk]


def test_the_span_goes_from_the_first_enrolment_to_the_last() -> None:
    campaign, history = history_around(around(CHANGES[0], ZoneInfo("UTC")))
    when = [participant.created_at for participant in history.participants]
    assert span([campaign]) == (min(when), max(when))


def test_reports_take_a_fixed_number_of_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    today = timezone.now().date()
    for people, campaigns in ((3, 1), (90, 3)):
        period = Period(today - timedelta(days=90), today, ZoneInfo("UTC"))
        asked = [history_around(period, people=people)[0] for _ in range(campaigns)]
        with django_assert_num_queries(8):
            summary(asked, period)
        with django_assert_num_queries(8):
            summary(asked, period, compare=True)
        for compare in (False, True):
            with django_assert_num_queries(5):
                timeseries(
                    asked, period, Interval.DAY, now=period.ends, compare=compare
                )
        with django_assert_num_queries(3):
            top_advocates(asked, period)
