"""Events: what was reported, and what was decided about it."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from referral_factory.admin_base import COLOURS, Admin, InfinitePaginator, display
from referral_factory.admin_filters import Choice
from referral_factory.templatetags.admin_words import (
    NOTHING,
    amount_of,
    moment,
    words,
)
from referrals.facts import Milestone
from referrals.models import Campaign, Event, ReferralChange
from referrals.search import people
from referrals.services.explaining import MANY, rules_of
from referrals.telling import (
    checks_of,
    milestone_in_words,
    move_in_words,
    road_in_words,
    why,
)


class Road(Choice):
    """By kind, since there may be many sources: each of them is found by its id."""

    title = "road"
    parameter_name = "road"
    ANSWERS = (
        ("sources", "Sources: signed webhooks, and their queues"),
        ("queues", "Queues of no source"),
        ("imports", "Files"),
    )
    BEGINNINGS = {"sources": "src_", "queues": "queue", "imports": "imp_"}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        beginning = self.BEGINNINGS.get(str(self.value()))
        if beginning is None:
            return queryset
        # Leaving out the API, as the index does.
        others = queryset.exclude(source__in=["", "api"])
        return others.filter(source__startswith=beginning)


@admin.register(Event)
class EventAdmin(Admin):
    names = ("event", "events")
    list_display = (
        "name",
        "event_id",
        "who",
        "result",
        "reason",
        "money",
        "when",
        "road",
        "campaign",
    )
    list_filter = ("outcome", Road, "campaign")
    list_select_related = ("campaign", "participant")
    list_before_template = "admin/referrals/events_note.html"
    ordering = ("-id",)
    paginator = InfinitePaginator
    search_fields = ("pk",)  # shows the box; see `find`
    search_help_text = (
        "Your event id, a participant's e-mail or id, a source (src_…), or evt_…"
    )
    empty = "Your backend reports events by POST /api/v1/events."
    change_form_outer_before_template = "admin/referrals/event_head.html"
    after_template = "admin/referrals/event.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "event_id"),
                    ("participant", "waits_for"),
                    ("referral", "reverses"),
                    ("money", "counts"),
                    ("when", "received"),
                    ("campaign", "road"),
                    "properties",
                )
            },
        ),
    )
    readonly_fields = ("money", "when", "received", "waits_for", "road")

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        campaigns = list(Campaign.objects.values_list("pk", flat=True))
        if term.startswith("src_"):
            return queryset.filter(source=term)
        found = people(term)
        return queryset.filter(
            Q(campaign__in=campaigns, event_id=term) | Q(participant__in=found)
        )

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        milestone = row.decision.get("milestone") or rules_of([row]).get(
            row.rules_version
        )
        return {
            **super().row_context(request, row),
            "checks": checks_of(row),
            "changes": [(each, move_in_words(each)) for each in _changes(row)],
            "milestone": milestone,
            "milestone_words": _in_words(milestone),
            "reversals": list(_reversals(row)),
        }

    @display(description="Participant")
    def who(self, event: Event) -> str:
        return str(event.participant) if event.participant else _named(event)

    @display(description="Waits for")
    def waits_for(self, event: Event) -> str:
        return NOTHING if event.participant else _named(event)

    @display(description="Why")
    def reason(self, event: Event) -> str:
        return why(checks_of(event))

    @display(description="Came by")
    def road(self, event: Event) -> str:
        return road_in_words(event.source)

    @display(description="Outcome", ordering="outcome", label=COLOURS)
    def result(self, event: Event) -> tuple[str, str]:
        return (event.outcome, event.get_outcome_display())

    @display(description="Amount")
    def money(self, event: Event) -> str:
        return amount_of(event)

    @display(description="Happened")
    def when(self, event: Event) -> str:
        return moment(event.occurred_at)

    @display(description="Received", ordering="id")
    def received(self, event: Event) -> str:
        return moment(event.received_at)


def _changes(event: Event) -> QuerySet[ReferralChange]:
    """What it brought about, of its referral."""
    rows = ReferralChange.objects.filter(referral=event.referral_id)
    return rows.filter(event=event)


def _reversals(event: Event) -> QuerySet[Event]:
    rows = Event.objects.filter(campaign=event.campaign_id, reverses=event.event_id)
    return rows.exclude(reverses="").order_by("id")[:MANY]


def _in_words(terms: dict[str, Any] | None) -> str:
    return milestone_in_words(Milestone.from_json(terms)) if terms else ""


def _named(event: Event) -> str:
    """Whom it names: 'external id c-17'."""
    kind, _colon, value = event.person.partition(":")
    return f"{words(kind)} {value}".strip()
