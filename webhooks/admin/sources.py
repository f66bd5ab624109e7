"""Sources: added with their secret, their log, and a way to their mapping."""

from datetime import timedelta
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from referral_factory.admin_base import (
    Admin,
    display,
    one_line,
    secret_page,
    select,
)
from referral_factory.admin_verbs import Asked, Verb
from referral_factory.errors import DomainError
from referral_factory.templatetags.admin_words import moment
from referrals.models import Campaign
from webhooks.admin.mapping_page import MAY, mapping_page
from webhooks.models import Source
from webhooks.sources.mapping import in_order
from webhooks.sources.services import (
    address_of,
    check_proof,
    create_source,
    delete_source,
    rotate_secret,
    scheme_of,
)

Kinds = Source.Verification
# How a system proves itself, as people choose it: the kind, and the preset of a kind.
WAYS = {
    "stripe": (Kinds.HMAC, "Stripe"),
    "github": (Kinds.HMAC, "GitHub"),
    "shopify": (Kinds.HMAC, "Shopify"),
    "standard_webhooks": (Kinds.STANDARD_WEBHOOKS, "Standard Webhooks"),
    "bearer": (Kinds.BEARER, "A bearer token"),
    "none": (Kinds.NONE, "Not at all (test mode only)"),
}


class SecretForm(forms.Form):
    secret = forms.CharField(
        required=False,
        max_length=500,
        widget=one_line(attrs={"autocomplete": "off"}),
        help_text="As the other system shows it. Empty: one is made here.",
    )
    overlap_hours = forms.IntegerField(
        min_value=0,
        max_value=7 * 24,
        initial=24,
        widget=one_line(attrs={"inputmode": "numeric"}),
        help_text="How long the old one still holds, in hours.",
    )


class SourceForm(forms.ModelForm):
    name = forms.CharField(max_length=200, widget=one_line())

    class Meta:
        model = Source
        fields = ["name"]


class NewSourceForm(SourceForm):
    campaign = forms.ModelChoiceField(
        Campaign.objects.order_by("name"), widget=select()
    )
    way = forms.ChoiceField(
        choices=[(name, label) for name, (_, label) in WAYS.items()],
        widget=select(),
        label="Proves itself as",
        help_text="Systems that sign in other ways are added by the API.",
    )
    secret = forms.CharField(
        required=False,
        max_length=500,
        widget=one_line(attrs={"autocomplete": "off"}),
        help_text="As the other system shows it. Empty: one is made here.",
    )

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if self.errors:
            return given
        kind, _ = WAYS[given["way"]]
        try:
            check_proof(given["campaign"], kind, given["secret"])
        except DomainError as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return given

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        given = dict(self.cleaned_data)
        way = given.pop("way")
        kind, _ = WAYS[way]
        preset = {"preset": way} if kind == Kinds.HMAC else None
        return {**given, "verification": kind, "scheme": scheme_of(preset)}


def new_secret(row: Source, asked: Asked) -> str:
    return rotate_secret(
        row,
        now=asked.wall,
        secret=asked.given["secret"],
        overlap=timedelta(hours=asked.given["overlap_hours"]),
    )


def delete(row: Source, asked: Asked) -> str:
    delete_source(row, now=asked.wall)
    return "deleted"


VERBS = (
    Verb(
        "rotate-secret",
        "New secret",
        MAY,
        new_secret,
        form=SecretForm,
        suits=lambda source: source.verification != Kinds.NONE,
        explains="The old one holds as well for a while, so that nothing is lost.",
        reveals="The other system proves itself by it.",
    ),
    Verb(
        "remove",
        "Delete",
        MAY,
        delete,
        explains="What it sends is answered with 404 from then on. Its log stays.",
        grave=True,
    ),
)


@admin.register(Source)
class SourceAdmin(Admin):
    names = ("source", "sources")
    form = SourceForm
    verbs = VERBS
    list_display = ("name", "campaign", "verification", "heard")
    list_filter = ("verification",)
    list_select_related = ("campaign",)
    ordering = ("-id",)
    empty = "Add a system that reports events: a shop, a payment provider, a form."
    search_fields = ("name",)
    fieldsets = ((None, {"fields": (("name", "campaign"), ("verification", "url"))}),)
    add_fieldsets = ((None, {"fields": (("name", "campaign"), ("way", "secret"))}),)
    after_template = "admin/webhooks/source.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("webhooks.add_source"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(MAY))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(deleted_at=None)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["campaign", "verification", "url"] if obj else []

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            kwargs |= {"form": NewSourceForm, "fields": ["name"]}
        return super().get_form(request, obj, change, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(partial(mapping_page, self))
        name = "webhooks_source_mapping"
        return [
            path("<uuid:key>/mapping/", page, name=name),
            *super().get_urls(),
        ]

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(name__icontains=term)

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        lines = row.arrivals.select_related("event").defer("body", "headers")
        return {
            **super().row_context(request, row),
            "arrivals": list(lines.order_by("-id")[:20]),
            "rules": in_order(row.mapping),
            "may_change": self.has_change_permission(request),
        }

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        made, secret = create_source(**form.values())
        obj.pk = made.pk
        # Whoever typed one knows it.
        obj.secret_text = "" if form.cleaned_data["secret"] else secret

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        back = reverse("admin:webhooks_source_change", args=[obj.pk])
        if not obj.secret_text:
            return super().response_add(request, obj, back)
        return secret_page(
            self.admin_site,
            request,
            opts=self.opts,
            title=f"The secret of {obj.name}",
            explains="The other system proves itself by it.",
            secret=obj.secret_text,
            back=back,
        )

    @display(description="Sends to")
    def url(self, source: Source) -> str:
        return address_of(source)

    @display(description="Last heard of")
    def heard(self, source: Source) -> str:
        last = source.arrivals.order_by("-id").values_list("received_at", flat=True)
        return moment(last.first())
