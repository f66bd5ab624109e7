"""Messages, and each on its way to an endpoint, with every try."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from referral_factory.admin_base import COLOURS, Admin, InfinitePaginator, display
from referral_factory.admin_verbs import Asked, Verb
from referral_factory.ids import InvalidId, from_public
from referral_factory.templatetags.admin_words import NOTHING, moment
from referrals.models import Campaign
from webhooks.models import Attempt, Delivery, Message
from webhooks.services import retry_delivery

Status = Delivery.Status


def retry(row: Delivery, asked: Asked) -> str:
    retry_delivery(row, now=asked.wall)
    return "queued to be tried again at once"


RETRY = Verb(
    "retry",
    "Try again",
    "webhooks.change_delivery",
    retry,
    suits=lambda delivery: delivery.status == Status.FAILED,
    explains="It is sent again at once, and then by what is left of the schedule.",
    several=True,
)


@admin.register(Delivery)
class DeliveryAdmin(Admin):
    names = ("delivery", "deliveries")
    verbs = (RETRY,)
    list_display = ("about", "endpoint", "state", "attempts", "next_try", "made")
    list_filter = ("status", "endpoint")
    list_select_related = ("endpoint",)
    ordering = ("-id",)
    paginator = InfinitePaginator
    search_fields = ("pk",)  # shows the box; see `find`
    search_help_text = "dlv_… or msg_…"
    empty = "A delivery is made for each message and endpoint that wants it."
    after_template = "admin/webhooks/delivery.html"
    fieldsets = (
        (
            None,
            {"fields": (("about", "endpoint"), ("attempts", "next_try"), "finished")},
        ),
    )
    readonly_fields = ("about", "next_try", "finished")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Partitions have no foreign keys, so the type comes by a sub-query.
        message = Message.objects.filter(pk=OuterRef("message_id"))
        rows = super().get_queryset(request)
        return rows.annotate(message_type=Subquery(message.values("type")[:1]))

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        try:
            return queryset.filter(message_id=from_public(Message.PREFIX, term))
        except InvalidId:
            return queryset.none()

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        tries = Attempt.objects.filter(delivery_id=row.pk).order_by("id")
        message = Message.objects.filter(pk=row.message_id).first()
        return {
            **super().row_context(request, row),
            "tries": list(tries),
            "message": message,
            "body": _indented(message.body) if message else "",
        }

    @display(description="Message")
    def about(self, delivery: Any) -> str:
        return str(delivery.message_type or "dropped by retention")

    @display(description="Status", ordering="status", label=COLOURS)
    def state(self, delivery: Delivery) -> tuple[str, str]:
        return (delivery.status, delivery.get_status_display())

    @display(description="Next try")
    def next_try(self, delivery: Delivery) -> str:
        waits = delivery.status == Status.PENDING
        return moment(delivery.due_at if waits else None)

    @display(description="Made", ordering="id")
    def made(self, delivery: Delivery) -> str:
        return moment(delivery.created_at)

    @display(description="Finished")
    def finished(self, delivery: Delivery) -> str:
        return moment(delivery.finished_at)


@admin.register(Message)
class MessageAdmin(Admin):
    names = ("message", "messages")
    list_display = ("type", "campaign", "sequence", "place", "made")
    list_filter = ("mode",)
    ordering = ("-id",)
    paginator = InfinitePaginator
    search_fields = ("pk",)  # shows the box; see `find`
    search_help_text = "msg_…"
    empty = "Everything that happens to people and rewards becomes a message."
    after_template = "admin/webhooks/message.html"
    fieldsets = (
        (
            None,
            {"fields": (("type", "campaign"), ("sequence", "place"), ("mode", "made"))},
        ),
    )
    readonly_fields = ("campaign", "place", "made")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        campaign = Campaign.objects.filter(pk=OuterRef("campaign_id"))
        rows = super().get_queryset(request).defer("body")
        return rows.annotate(campaign_name=Subquery(campaign.values("name")[:1]))

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        sent = Delivery.objects.filter(message_id=row.pk).select_related("endpoint")
        return {
            **super().row_context(request, row),
            "body": _indented(row.body),
            "deliveries": list(sent),
        }

    @display(description="Campaign")
    def campaign(self, message: Any) -> str:
        return str(message.campaign_name or NOTHING)

    @display(description="Place in the feed")
    def place(self, message: Message) -> str:
        return "not yet" if message.position is None else str(message.position)

    @display(description="Made", ordering="id")
    def made(self, message: Message) -> str:
        return moment(message.created_at)


def _indented(body: str) -> str:
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
