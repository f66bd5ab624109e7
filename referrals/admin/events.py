"""Events: what was reported, and what was decided about it."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from referral_factory.admin_base import COLOURS, Admin, InfinitePaginator, display
from referral_factory.templatetags.admin_words import amount_of, moment
from referrals.models import Campaign, Event
from referrals.search import people


@admin.register(Event)
class EventAdmin(Admin):
    names = ("event", "events")
    list_display = ("name", "event_id", "who", "result", "money", "campaign", "when")
    list_filter = ("outcome", "campaign")
    list_select_related = ("campaign", "participant")
    ordering = ("-id",)
    paginator = InfinitePaginator
    search_fields = ("pk",)  # shows the box; see `find`
    search_help_text = "Your event id, a participant's e-mail or id, or evt_…"
    empty = "Your backend reports events by POST /api/v1/events."
    after_template = "admin/referrals/event.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "event_id"),
                    ("participant", "person"),
                    ("referral", "reverses"),
                    ("money", "result"),
                    ("when", "received"),
                    "campaign",
                    "properties",
                )
            },
        ),
    )
    readonly_fields = ("money", "when", "received", "result")

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        campaigns = list(Campaign.objects.values_list("pk", flat=True))
        found = people(term)
        return queryset.filter(
            Q(campaign__in=campaigns, event_id=term) | Q(participant__in=found)
        )

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            **super().row_context(request, row),
            "checks": row.decision.get("checks", []),
            "milestone": row.decision.get("milestone", {}),
        }

    @display(description="Participant")
    def who(self, event: Event) -> str:
        return str(event.participant) if event.participant else event.person

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
