"""Endpoints: added with their secret shown once, switched off and on."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from referral_factory.admin_base import (
    COLOURS,
    Admin,
    checkboxes,
    display,
    one_line,
    secret_page,
)
from referral_factory.admin_verbs import Asked, Verb
from referral_factory.errors import DomainError
from referral_factory.templatetags.admin_words import moment
from referrals.models import Campaign
from webhooks.addresses import check_url
from webhooks.catalogue import MESSAGE_TYPES
from webhooks.models import Endpoint
from webhooks.services import (
    change_endpoint,
    create_endpoint,
    disable_endpoint,
    enable_endpoint,
    rotate_secret,
    send_ping,
)

Status = Endpoint.Status


class EndpointForm(forms.ModelForm):
    mode = forms.ChoiceField(choices=Campaign.Mode.choices)
    url = forms.URLField(
        label="URL", max_length=2000, assume_scheme="https", widget=one_line()
    )
    types = forms.MultipleChoiceField(
        choices=[(name, name) for name in MESSAGE_TYPES],
        required=False,
        widget=checkboxes(),
        help_text="What it wants to hear of. None chosen: everything.",
    )
    campaigns = forms.ModelMultipleChoiceField(
        Campaign.objects.order_by("name"),
        required=False,
        widget=checkboxes(),
        help_text="None chosen: all campaigns of its mode.",
    )

    class Meta:
        model = Endpoint
        fields = ["mode", "url", "description", "types"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("campaigns", self.instance.campaign_ids)

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            check_url(url)
        except DomainError as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return url

    def values(self) -> dict[str, Any]:
        """What the services take."""
        given = dict(self.cleaned_data)
        given["campaign_ids"] = [campaign.pk for campaign in given.pop("campaigns")]
        return given


def enable(row: Endpoint, asked: Asked) -> str:
    enable_endpoint(row)
    return "enabled"


def disable(row: Endpoint, asked: Asked) -> str:
    disable_endpoint(row, reason=f"Disabled by {asked.by}.")
    return "disabled"


def ping(row: Endpoint, asked: Asked) -> str:
    send_ping(row)
    return "sent a ping"


def new_secret(row: Endpoint, asked: Asked) -> str:
    return rotate_secret(row, now=asked.wall)


MAY = "webhooks.change_endpoint"

VERBS = (
    Verb(
        "ping",
        "Send a ping",
        MAY,
        ping,
        suits=lambda endpoint: endpoint.status == Status.ENABLED,
        explains="A message that says nothing, to see whether it arrives.",
    ),
    Verb(
        "enable",
        "Enable",
        MAY,
        enable,
        suits=lambda endpoint: endpoint.status == Status.DISABLED,
        explains="What was on its way when it was disabled is sent now.",
        several=True,
    ),
    Verb(
        "rotate-secret",
        "New secret",
        MAY,
        new_secret,
        explains="The old one signs as well for 24 hours, so that nothing is lost.",
        reveals="Verify the signatures of messages with it.",
    ),
    Verb(
        "disable",
        "Disable",
        MAY,
        disable,
        suits=lambda endpoint: endpoint.status == Status.ENABLED,
        explains="It is sent nothing more until somebody enables it.",
        several=True,
        grave=True,
    ),
)


@admin.register(Endpoint)
class EndpointAdmin(Admin):
    names = ("endpoint", "endpoints")
    form = EndpointForm
    verbs = VERBS
    list_display = ("url", "state", "mode", "hears", "description", "failing")
    list_filter = ("status",)
    ordering = ("-id",)
    empty = "Add the URL at which one of your systems wants to hear what happens."
    search_fields = ("url",)
    fieldsets = (
        (None, {"fields": (("url", "description"), "mode", "types", "campaigns")}),
        (
            "How it goes",
            {"fields": (("failing", "since"), "disabled_reason")},
        ),
    )
    add_fieldsets = (
        (None, {"fields": (("url", "description"), "mode", "types", "campaigns")}),
    )
    after_template = "admin/webhooks/endpoint.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("webhooks.add_endpoint"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(MAY))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(deleted_at=None)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["mode", "disabled_reason", "failing", "since"] if obj else []

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(url__icontains=term)

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        deliveries = row.deliveries.order_by("-id")[:20]
        return {**super().row_context(request, row), "deliveries": list(deliveries)}

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        if change:
            change_endpoint(obj, **form.values())
            return
        made, obj.secret_text = create_endpoint(**form.values())
        obj.pk = made.pk

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return secret_page(
            self.admin_site,
            request,
            opts=self.opts,
            title=f"The secret of {obj.url}",
            explains="Verify the signatures of messages with it.",
            secret=obj.secret_text,
            back=reverse("admin:webhooks_endpoint_change", args=[obj.pk]),
        )

    @display(description="Status", ordering="status", label=COLOURS)
    def state(self, endpoint: Endpoint) -> tuple[str, str]:
        return (endpoint.status, endpoint.get_status_display())

    @display(description="Hears of")
    def hears(self, endpoint: Endpoint) -> str:
        return ", ".join(endpoint.types[:3]) + "…" * (len(endpoint.types) > 3) or "all"

    @display(description="Failing since")
    def failing(self, endpoint: Endpoint) -> str:
        return moment(endpoint.failing_since)

    @display(description="Added")
    def since(self, endpoint: Endpoint) -> str:
        return moment(endpoint.created_at)
