"""What the dashboard shows: reports put into words and rows for its template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings

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
from referral_factory.reporting.questions import PRESETS, Mistake, Question, ask
from referral_factory.reporting.reports import Numbers, Summary, Tally, Timeseries
from referrals import checklist
from referrals.models import Campaign, Participant

MOST_CAMPAIGNS = 50  # rows of the table of campaigns
Mode = Campaign.Mode

PRESET_TITLES = {"7d": "7 days", "30d": "30 days", "90d": "90 days", "all": "All time"}
# Offered in the field; any other name of the tz database may be typed.
ZONES = (
    "UTC",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "America/Chicago",
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Paris",
)


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
    total: int
    money: bool
    rows: Sequence[Row]


@dataclass(frozen=True)
class Line:
    """One campaign of the table of campaigns."""

    campaign: Campaign
    rate: str
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Scope:
    """Which campaigns the page is about, before anything else is asked."""

    mode: str
    campaigns: Sequence[Campaign]  # of the mode
    usual: Campaign | None  # shown when no campaign is named
    mistakes: Sequence[Mistake] = ()


def dashboard(values: Mapping[str, str], *, wall: datetime) -> dict[str, Any]:
    """Everything that the template needs. Any address makes a page: what was wrong
    with it is said beside the field that it was wrong in."""
    place = scope(values)
    if place.usual and "campaign" not in values:
        values = {**values, "campaign": place.usual.public_id}
    question = ask(
        {**values, "compare": ""},
        campaigns=place.campaigns,
        wall=wall,
        # The clock of a test is moved about: what was played may be long ago in it.
        preset="all" if place.mode == Mode.TEST else "30d",
    )
    compare = question.preset != "all"
    zone = question.period.zone
    found = reports.summary(question.campaigns, question.period, compare=compare)
    series = reports.timeseries(
        question.campaigns, question.period, question.interval, now=question.now
    )
    return {
        "scope": place,
        "question": question,
        "asked": values,
        "modes": Mode.choices,
        "range": day_range(question.period),
        "mistakes": {m.name: m for m in (*place.mistakes, *question.mistakes)},
        "before": day_range(question.period.before()) if compare else "",
        "cards": cards(found),
        "charts": charts(series, question),
        "left_out": max(len(question.campaigns) - MOST_CAMPAIGNS, 0),
        "lines": [] if question.campaign else lines(question.campaigns, found),
        "advocates": advocates(question),
        "definitions": definitions(),
        "next": next_steps(question, found),
        "queue": reports.flagged_now(),
        "presets": PRESET_TITLES,
        "intervals": list(Interval),
        "zones": sorted({*ZONES, question.period.zone.key}),
        "updated_at": wall,
        "updated_local": wall.astimezone(zone),
        "campaign_time": question.now.astimezone(zone),
        "public_url": settings.PUBLIC_URL,
    }


def scope(values: Mapping[str, str]) -> Scope:
    """The mode that is asked for, or the campaign's, or the one that has data."""
    everything = list(Campaign.objects.order_by("name", "id"))
    mode, mistakes = _mode(values, everything)
    campaigns = [campaign for campaign in everything if campaign.mode == mode]
    usual = _busiest(campaigns) if mode == Mode.TEST else None
    return Scope(mode, campaigns, usual, mistakes)


def _mode(
    values: Mapping[str, str], campaigns: Sequence[Campaign]
) -> tuple[str, list[Mistake]]:
    asked = values.get("mode", "")
    if asked in Mode.values:
        return asked, []
    named = [c.mode for c in campaigns if c.public_id == values.get("campaign")]
    if named and not asked:
        return named[0], []
    message = "Choose live or test."
    mistakes = [Mistake("mode", message, "invalid_choice")] if asked else []
    with_people = Campaign.objects.filter(participants__isnull=False)
    modes = set(with_people.values_list("mode", flat=True).distinct())
    return (Mode.TEST if modes == {Mode.TEST} else Mode.LIVE), mistakes


def _busiest(campaigns: Sequence[Campaign]) -> Campaign | None:
    """Where somebody enrolled last. In test mode every campaign has a clock of its
    own, so one at a time makes a sensible page."""
    enrolled = Participant.objects.filter(campaign__in=campaigns).order_by("-id")
    latest = enrolled.values_list("campaign_id", flat=True).first()
    return next((c for c in campaigns if c.pk == latest), None)


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
        sum(row.count for row in rows),
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


# --- What to do next ------------------------------------------------------------------


def next_steps(question: Question, found: Summary) -> dict[str, Any] | None:
    """What to do when there is nothing to show; None when there is something."""
    if not question.campaigns:
        return {"stage": "campaign"}
    enrolled = reports.span(question.campaigns)
    if enrolled:
        quiet = found.total.empty
        zone = question.period.zone
        first, last = (moment.astimezone(zone).date() for moment in enrolled)
        return {"stage": "quiet", "first": first, "last": last} if quiet else None
    campaign = question.campaign or max(question.campaigns, key=lambda c: c.pk)
    if campaign.status == Campaign.Status.DRAFT:
        steps = [_step(item) for item in checklist.items(campaign)]
        return {"stage": "launch", "campaign": campaign, "steps": steps}
    return {"stage": "enrol", "campaign": campaign}


def _step(item: checklist.Item) -> dict[str, Any]:
    title = item.name.replace("_", " ").capitalize()
    return {"title": title, "done": item.done, "detail": item.detail}


assert set(PRESETS) == set(PRESET_TITLES)  # noqa: S101 - each preset has its name
