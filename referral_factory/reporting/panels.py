"""What the page is made of: reports as cards, charts and rows, put into words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from referral_factory import money
from referral_factory.reporting import reports
from referral_factory.reporting.definitions import (
    CANCELLED,
    CLAWED_BACK,
    CLICKS,
    DEFINITIONS,
    ENROLMENTS,
    FLAGGED,
    ISSUED,
    NUMBERS,
    QUALIFIED,
    RATE,
    RATE_DEFINITION,
    RATE_TITLE,
    REFERRED,
    SERIES,
    Number,
)
from referral_factory.reporting.periods import Bucket, Interval, Period
from referral_factory.reporting.questions import Question
from referral_factory.reporting.reports import Numbers, Summary, Tally, Timeseries
from referrals.models import Campaign

MOST_CAMPAIGNS = 50  # rows of the table of campaigns


@dataclass(frozen=True)
class Change:
    """How a number compares with the period before."""

    direction: str  # "up", "down", "same"
    size: str  # "12%"; empty where there is nothing to divide by
    before: str


@dataclass(frozen=True)
class Card:
    """One number, large."""

    name: str
    title: str
    definition: str
    value: str
    notes: Sequence[str] = ()
    change: Change | None = None


@dataclass(frozen=True)
class Row:
    """One bucket of a chart's table."""

    title: str
    short: str  # under the chart, where there is little room
    count: int
    money: Sequence[str]
    complete: bool


@dataclass(frozen=True)
class Chart:
    name: str
    title: str
    definition: str
    total: str
    money: bool
    rows: Sequence[Row]


@dataclass(frozen=True)
class Line:
    """One campaign of the table of campaigns."""

    campaign: Campaign
    rate: str
    counts: Mapping[str, int]


# --- Numbers --------------------------------------------------------------------------


def cards(found: Summary) -> list[Card]:
    return [
        *(_count_card(number, found) for number in (ENROLMENTS, CLICKS, REFERRED)),
        _count_card(QUALIFIED, found),
        _rate_card(found),
        _count_card(FLAGGED, found),
        _count_card(ISSUED, found),
        _taken_back_card(found.total),
    ]


def _count_card(number: Number, found: Summary) -> Card:
    tally = found.total[number.name]
    change = None
    if found.before is not None and number.moment:
        change = _change(tally.count, found.before[number.name].count)
    notes = amounts(tally)
    value = f"{tally.count:,}"
    return Card(number.name, number.title, number.definition, value, notes, change)


def _rate_card(found: Summary) -> Card:
    qualified = found.total[QUALIFIED.name].count
    referred = found.total[REFERRED.name].count
    change = None
    if found.before is not None:
        now, before = found.total.rate, found.before.rate
        size = f"{abs(now - before) * 100:.1f} points"
        change = Change(_direction(now - before), size, percent(before))
    notes = [f"{qualified:,} of {referred:,} referred friends"]
    value = percent(found.total.rate)
    return Card(RATE, RATE_TITLE, RATE_DEFINITION, value, notes, change)


def _taken_back_card(total: Numbers) -> Card:
    cancelled, clawed_back = total[CANCELLED.name], total[CLAWED_BACK.name]
    notes = [
        f"{cancelled.count:,} cancelled {_in_brackets(cancelled)}",
        f"{clawed_back.count:,} clawed back {_in_brackets(clawed_back)}",
    ]
    words = f"{CANCELLED.definition} {CLAWED_BACK.definition}"
    value = f"{cancelled.count + clawed_back.count:,}"
    return Card("taken_back", "Cancelled or clawed back", words, value, notes)


def _change(now: int, before: int) -> Change:
    size = f"{abs(now - before) / before:.0%}" if before else ""
    return Change(_direction(now - before), size, f"{before:,}")


def _direction(difference: int | Decimal) -> str:
    if not difference:
        return "same"
    return "up" if difference > 0 else "down"


def percent(share: Decimal) -> str:
    return f"{share:.1%}"


def amounts(tally: Tally) -> list[str]:
    """Money for people, a line for each currency."""
    return [money.for_people(amount, currency) for currency, amount in tally.money]


def _in_brackets(tally: Tally) -> str:
    return f"({', '.join(amounts(tally))})" if tally.amounts else ""


# --- Charts and tables ----------------------------------------------------------------


def charts(series: Timeseries, question: Question) -> list[Chart]:
    titles = [
        (_title(p.bucket, question.interval), _short(p.bucket, question))
        for p in series.points
    ]
    return [_chart(number, series, titles) for number in SERIES]


def _chart(
    number: Number, series: Timeseries, titles: Sequence[tuple[str, str]]
) -> Chart:
    tallies = [point.numbers[number.name] for point in series.points]
    rows = [
        Row(title, short, tally.count, amounts(tally), point.bucket.complete)
        for (title, short), tally, point in zip(
            titles, tallies, series.points, strict=True
        )
    ]
    return Chart(
        number.name,
        number.title,
        number.definition,
        f"{sum(row.count for row in rows):,}",
        number.money,
        rows,
    )


def _title(bucket: Bucket, interval: Interval) -> str:
    if bucket.first == bucket.last:
        return f"{bucket.first:%a} {bucket.first.day} {bucket.first:%b %Y}"
    if interval == Interval.MONTH and bucket.first.day == 1:
        whole = bucket.first.replace(day=28) <= bucket.last
        return f"{bucket.first:%b %Y}" if whole else day_range(bucket)
    return day_range(bucket)


def _short(bucket: Bucket, question: Question) -> str:
    if question.interval == Interval.MONTH:
        return f"{bucket.first:%b %Y}"
    years = question.period.first.year != question.period.last.year
    year = f" {bucket.first:%Y}" if years else ""
    return f"{bucket.first.day} {bucket.first:%b}{year}"


def day_range(days: Bucket | Period) -> str:
    """'1 - 31 May 2026', with no more months and years than it takes."""
    first, last = days.first, days.last
    end = f"{last.day} {last:%b %Y}"
    if first == last:
        return end
    start = f"{first.day}"
    if (first.year, first.month) != (last.year, last.month):
        start += f" {first:%b}"
    if first.year != last.year:
        start += f" {first:%Y}"
    return f"{start} \N{EN DASH} {end}"


def lines(campaigns: Sequence[Campaign], found: Summary) -> list[Line]:
    """The campaigns with the most referred friends, most first."""
    rows = [_line(c, found.campaigns.get(c.pk, Numbers())) for c in campaigns]
    rows.sort(key=lambda line: line.counts[REFERRED.name], reverse=True)
    return rows[:MOST_CAMPAIGNS]


def _line(campaign: Campaign, numbers: Numbers) -> Line:
    counts = {number.name: numbers[number.name].count for number in NUMBERS}
    return Line(campaign, percent(numbers.rate), counts)


def advocates(question: Question) -> list[dict[str, Any]]:
    return [
        {
            "participant": line.participant,
            "referred": line.referred,
            "qualified": line.qualified,
            "issued": amounts(line.issued),
        }
        for line in reports.top_advocates(question.campaigns, question.period)
    ]


def definitions() -> list[tuple[str, str]]:
    titles = {number.name: number.title for number in NUMBERS} | {RATE: RATE_TITLE}
    return [(titles[name], words) for name, words in DEFINITIONS.items()]
