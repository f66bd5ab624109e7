"""The dashboard: everything that its template needs, for any address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from referral_factory.reporting import panels, reports
from referral_factory.reporting.periods import Interval
from referral_factory.reporting.questions import Mistake, Question, ask
from referral_factory.reporting.reports import Summary
from referrals import checklist
from referrals.models import Campaign, Event, Participant

Mode = Campaign.Mode
MOST_UNMATCHED = 1000  # above it, how many more makes no difference to anybody

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
    found = reports.summary(
        question.campaigns, question.period, compare=question.preset != "all"
    )
    return {
        "scope": place,
        "asked": values,
        "mistakes": {m.name: m for m in (*place.mistakes, *question.mistakes)},
        "next": next_steps(question, found),
        "queue": reports.flagged_now(),
        "unmatched": _unmatched(question),
        "public_url": settings.PUBLIC_URL,
        **_choices(question),
        **_times(question, wall),
        **_panels(question, found),
    }


def _unmatched(question: Question) -> dict[str, Any]:
    """Events that wait for whom they are about, and where staff see them."""
    count = reports.unmatched_now(question.campaigns, most=MOST_UNMATCHED)
    where = {"outcome__exact": Event.Outcome.UNMATCHED.value}
    if question.campaign:
        where["campaign__id__exact"] = str(question.campaign.pk)
    return {
        "count": count,
        "shown": f"{count:,}+" if count == MOST_UNMATCHED else f"{count:,}",
        "address": f"{reverse('admin:referrals_event_changelist')}?{urlencode(where)}",
    }


def _choices(question: Question) -> dict[str, Any]:
    return {
        "question": question,
        "modes": Mode.choices,
        "presets": PRESET_TITLES,
        "intervals": list(Interval),
        "zones": sorted({*ZONES, question.period.zone.key}),
    }


def _times(question: Question, wall: datetime) -> dict[str, Any]:
    zone = question.period.zone
    return {
        "updated_at": wall,
        "updated_local": wall.astimezone(zone),
        "campaign_time": question.now.astimezone(zone),
    }


def _panels(question: Question, found: Summary) -> dict[str, Any]:
    period = question.period
    compared = found.before is not None
    series = reports.timeseries(
        question.campaigns, period, question.interval, now=question.now
    )
    return {
        "range": panels.day_range(period),
        "before": panels.day_range(period.before()) if compared else "",
        "cards": panels.cards(found),
        "charts": panels.charts(series, question),
        "lines": [] if question.campaign else panels.lines(question.campaigns, found),
        "left_out": max(len(question.campaigns) - panels.MOST_CAMPAIGNS, 0),
        "advocates": panels.advocates(question),
        "definitions": panels.definitions(),
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


def next_steps(question: Question, found: Summary) -> dict[str, Any] | None:
    """What to do when there is nothing to show; None when there is something."""
    if not question.campaigns:
        return {"stage": "campaign"}
    enrolled = reports.span(question.campaigns)
    if enrolled:
        quiet = found.total.empty
        zone = question.period.zone
        first, last = (moment.astimezone(zone).date() for moment in enrolled)
        days = {"first": first, "last": last}
        return {"stage": "quiet", "filled": True, **days} if quiet else None
    campaign = question.campaign or max(question.campaigns, key=lambda c: c.pk)
    if campaign.status == Campaign.Status.DRAFT:
        steps = [_step(item) for item in checklist.items(campaign)]
        return {"stage": "launch", "campaign": campaign, "steps": steps}
    return {"stage": "enrol", "campaign": campaign}


def _step(item: checklist.Item) -> dict[str, Any]:
    title = item.name.replace("_", " ").capitalize()
    detail = item.detail.replace("`", "")  # names of API fields, for people here
    return {"title": title, "done": item.done, "detail": detail}
