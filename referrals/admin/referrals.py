"""Referrals: read-only rows with their events and the explanation of each."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from referral_factory.admin_base import (
    COLOURS,
    Admin,
    InfinitePaginator,
    ReasonForm,
    display,
    one_line,
)
from referral_factory.admin_verbs import Asked, Verb
from referral_factory.templatetags.admin_words import NOTHING, moment, words
from referrals.models import Referral
from referrals.search import people
from referrals.services.referrals import (
    disqualify_referral,
    qualify_referral,
    reconsider_referral,
)
from referrals.timelines import ahead_of, timeline_of

Status = Referral.Status


class DisqualifyForm(ReasonForm):
    REASONS = (
        "Advocate and friend are the same person",
        "The purchase was not genuine",
        "The friend was a customer before",
        "Against the terms of the campaign",
    )


class WhyForm(forms.Form):
    note = forms.CharField(max_length=500, label="Why", widget=one_line())


def qualify(row: Referral, asked: Asked) -> str:
    now = row.campaign.now(asked.wall)
    qualify_referral(row, now=now, reason=asked.note, by=asked.by)
    return "qualified"


def disqualify(row: Referral, asked: Asked) -> str:
    now = row.campaign.now(asked.wall)
    disqualify_referral(row, now=now, reason=asked.note, by=asked.by)
    return "disqualified"


def reopen(row: Referral, asked: Asked) -> str:
    reconsider_referral(row, by=asked.by, wall=asked.wall, reason=asked.note)
    return "reopened"


QUALIFY = Verb(
    "qualify",
    "Qualify",
    "referrals.change_referral",
    qualify,
    WhyForm,
    suits=lambda referral: referral.status in {Status.PENDING, Status.HOLDING},
    explains="It counts from now on, and its rewards are granted and reviewed.",
)
DISQUALIFY = Verb(
    "disqualify",
    "Disqualify",
    "referrals.change_referral",
    disqualify,
    DisqualifyForm,
    suits=lambda referral: (
        referral.status in {Status.PENDING, Status.HOLDING, Status.QUALIFIED}
    ),
    explains="It does not count. Rewards that were not issued are cancelled; "
    "those that were are put before a person.",
    several=True,
    grave=True,
)
REOPEN = Verb(
    "reopen",
    "Reopen",
    "referrals.change_referral",
    reopen,
    WhyForm,
    suits=lambda referral: referral.status == Status.DISQUALIFIED,
    explains="It is pending again, and can still reach its milestone.",
)


class InDoubt(admin.SimpleListFilter):
    title = "in doubt"
    parameter_name = "marked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Marked"), ("no", "Not marked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes":
            return queryset.exclude(marks=[])
        return queryset.filter(marks=[]) if self.value() == "no" else queryset


@admin.register(Referral)
class ReferralAdmin(Admin):
    names = ("referral", "referrals")
    verbs = (QUALIFY, DISQUALIFY, REOPEN)
    list_display = (
        "pair",
        "state",
        "way",
        "doubt",
        "campaign",
        "made",
        "counted",
        "ahead",
    )
    list_filter = ("status", "way", InDoubt, "campaign")
    list_select_related = ("campaign", "advocate", "friend")
    ordering = ("-id",)
    paginator = InfinitePaginator
    search_fields = ("pk",)  # shows the box; see `find`
    search_help_text = "Advocate or friend: e-mail, external id, code; or ref_…"
    empty = "A referral is made when a friend comes through somebody's link or code."
    change_form_outer_before_template = "admin/referrals/referral_head.html"
    after_template = "admin/referrals/referral.html"
    readonly_fields = ("made", "expires", "clicked")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who and since when; how it went on is told below."""
        rows: list[Any] = [("advocate", "friend"), ("campaign", "way")]
        rows.append(("made", "expires"))
        if obj and (obj.clicked_at or obj.click_address):
            rows += [("clicked", "click_address"), "click_user_agent"]
        return [(None, {"fields": rows})]

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        found = people(term)
        return queryset.filter(Q(advocate__in=found) | Q(friend__in=found))

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            **super().row_context(request, row),
            "timeline": timeline_of(row),
            "clock": row.campaign.now(),
            "rewards": list(row.rewards.select_related("recipient").order_by("id")),
        }

    @display(description="Advocate → friend")
    def pair(self, referral: Referral) -> str:
        return str(referral)

    @display(description="Status", ordering="status", label=COLOURS)
    def state(self, referral: Referral) -> tuple[str, str]:
        return (referral.status, referral.get_status_display())

    @display(description="In doubt")
    def doubt(self, referral: Referral) -> str:
        return ", ".join(words(mark["code"]) for mark in referral.marks)

    @display(description="Referred", ordering="id")
    def made(self, referral: Referral) -> str:
        return moment(referral.created_at)

    @display(description="Qualified")
    def counted(self, referral: Referral) -> str:
        return moment(referral.qualified_at)

    @display(description="Next")
    def ahead(self, referral: Referral) -> SafeString | str:
        """When time moves it on, where it will."""
        found = ahead_of(referral)
        if found is None:
            return NOTHING
        verb = "counts" if referral.status == Status.HOLDING else "expires"
        return format_html("{} {}", verb, moment(found.at))

    @display(description="Expires")
    def expires(self, referral: Referral) -> str:
        return moment(referral.expires_at)

    @display(description="Clicked")
    def clicked(self, referral: Referral) -> str:
        return moment(referral.clicked_at)
