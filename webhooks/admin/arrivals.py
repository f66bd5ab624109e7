"""What arrived from sources and queues, what became of it, and reading it again."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from referral_factory.admin_base import COLOURS, Admin, InfinitePaginator, display
from referral_factory.admin_verbs import Asked, Verb
from referral_factory.templatetags.admin_words import NOTHING, moment
from webhooks.models import Arrival
from webhooks.source_serializers import body_text
from webhooks.sources.receiving import replay

Status = Arrival.Status
AGAIN = {
    Status.RECORDED: "read again, and recorded",
    Status.REPEATED: "read again: the event was known",
    Status.IGNORED: "read again, and ignored",
    Status.REFUSED: "read again, and refused again",
}


def read_again(row: Arrival, asked: Asked) -> str:
    return AGAIN[Status(replay(row, wall=asked.wall).status)]


REPLAY = Verb(
    "replay",
    "Read again",
    "webhooks.change_arrival",
    read_again,
    suits=lambda arrival: arrival.event_id is None and arrival.body is not None,
    explains="By the mapping as it is now. An event that was recorded stays one.",
    several=True,
)


@admin.register(Arrival)
class ArrivalAdmin(Admin):
    names = ("arrival", "arrivals")
    verbs = (REPLAY,)
    list_display = ("came", "source", "state", "reason", "road")
    list_filter = ("status", "road", "source")
    list_select_related = ("source", "campaign")
    ordering = ("-id",)
    paginator = InfinitePaginator
    search_fields = ("pk",)  # shows the box; rows are found by their id
    search_help_text = "arr_…"
    empty = "What other systems send to a source is listed here, taken or not."
    after_template = "admin/webhooks/arrival.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("source", "campaign"),
                    ("reason", "code"),
                    ("became", "road"),
                    ("came", "again"),
                    ("size", "address"),
                )
            },
        ),
    )
    readonly_fields = ("came", "again", "became")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).select_related("source", "campaign")
        match = request.resolver_match
        in_list = match is not None and "object_id" not in match.kwargs
        return rows.defer("headers", "query") if in_list else rows

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {**super().row_context(request, row), "body": body_text(row)}

    @display(description="Status", ordering="status", label=COLOURS)
    def state(self, arrival: Arrival) -> tuple[str, str]:
        return (arrival.status, arrival.get_status_display())

    @display(description="Became")
    def became(self, arrival: Arrival) -> str:
        return str(arrival.event.event_id) if arrival.event else NOTHING

    @display(description="Arrived", ordering="id")
    def came(self, arrival: Arrival) -> str:
        return moment(arrival.received_at)

    @display(description="Read again")
    def again(self, arrival: Arrival) -> str:
        return moment(arrival.replayed_at)
