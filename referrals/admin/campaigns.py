"""Campaigns: set up on a form, brought through their life by verbs."""

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.postgres.forms import SimpleArrayField
from django.http import HttpRequest
from django.utils import timezone

from referral_factory import money
from referral_factory.admin_base import COLOURS, display, number, one_line, tick
from referral_factory.admin_verbs import Asked, Verb, actor
from referral_factory.templatetags.admin_words import moment
from referrals import checklist
from referrals.admin import rules
from referrals.admin.clock import MOVE_CLOCK
from referrals.admin.copying import COPY
from referrals.admin.join_pages import FIELDSETS, JoinPageForm
from referrals.landing import may_lead_to
from referrals.milestones import milestone_of
from referrals.models import Campaign
from referrals.services.campaigns import (
    change_campaign,
    create_campaign,
    end_campaign,
    launch_campaign,
    pause_campaign,
    resume_campaign,
)
from referrals.services.clock import next_due
from referrals.telling import milestone_in_words

Status = Campaign.Status
LIMITS = ("amount_limit", "two_people_above")
COLUMNS = (
    "name",
    "slug",
    "mode",
    "owner",
    "currency",
    "landing_url",
    *rules.COLUMNS,
)


class CampaignForm(JoinPageForm, rules.RulesForm):
    """What a campaign is, with its review policy as fields that one can read."""

    landing_url = forms.URLField(
        label="Landing page",
        max_length=2000,
        required=False,
        assume_scheme="https",
        widget=one_line(),
        help_text="Where links lead, with ?ref= and rf_click= added.",
    )
    reversal_events = SimpleArrayField(
        forms.CharField(max_length=100),
        required=False,
        widget=one_line(),
        help_text="Events that take the milestone back, such as refund; with commas.",
    )
    amount_limit = forms.DecimalField(
        label="Review above",
        required=False,
        min_value=0,
        max_digits=money.MAX_DIGITS,
        decimal_places=money.DECIMAL_PLACES,
        widget=number(),
        help_text="A reward of a larger amount waits for a person.",
    )
    two_people_above = forms.DecimalField(
        label="Two people above",
        required=False,
        min_value=0,
        max_digits=money.MAX_DIGITS,
        decimal_places=money.DECIMAL_PLACES,
        widget=number(),
        help_text="A larger reward in review needs the yes of two people.",
    )
    without_limit = forms.BooleanField(
        label="No limit: only signs of fraud are flagged", required=False, widget=tick()
    )

    class Meta:
        model = Campaign
        fields = COLUMNS
        labels = rules.LABELS
        help_texts = {
            **rules.HELP,
            "owner": "Who answers for it.",
            "currency": "Its ISO 4217 code, such as USD. Fixed once it is launched.",
            "mode": "A test campaign has a clock and API keys of its own.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        review = self.instance.review
        self.initial.setdefault("without_limit", review == {})
        for name in LIMITS:
            if (review or {}).get(name) is not None:
                self.initial.setdefault(name, Decimal((review or {})[name]))

    def clean_landing_url(self) -> str:
        page = str(self.cleaned_data["landing_url"])
        if page and not may_lead_to(page, settings.LANDING_HOSTS):
            raise forms.ValidationError("Links may not lead to this host.")
        return page

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).upper()
        if currency not in money.CURRENCIES:
            raise forms.ValidationError("There is no such currency.")
        return currency

    def changes(self) -> dict[str, Any]:
        """What the services take: the fields that were filled in differently."""
        names = set(COLUMNS) & set(self.changed_data)
        changes = {name: self.cleaned_data[name] for name in names}
        if set(self.changed_data) & {*LIMITS, "without_limit"}:
            changes["review"] = self._review()
        return {**changes, **self.page_changes()}

    def _review(self) -> dict[str, Any] | None:
        given = {name: self.cleaned_data.get(name) for name in LIMITS}
        limits = {
            name: str(limit) for name, limit in given.items() if limit is not None
        }
        others = {
            k: v for k, v in (self.instance.review or {}).items() if k not in LIMITS
        }
        asked = limits or self.cleaned_data.get("without_limit")
        return {**others, **limits} if asked or others else None


def launch(row: Campaign, asked: Asked) -> str:
    launch_campaign(row, wall=asked.wall)
    return "launched"


def pause(row: Campaign, asked: Asked) -> str:
    pause_campaign(row)
    return "paused"


def resume(row: Campaign, asked: Asked) -> str:
    resume_campaign(row)
    return "resumed"


def end(row: Campaign, asked: Asked) -> str:
    end_campaign(row, wall=asked.wall)
    return "ended"


VERBS = (
    Verb(
        "launch",
        "Launch",
        "referrals.change_campaign",
        launch,
        suits=lambda campaign: campaign.status == Status.DRAFT,
        explains="People can be enrolled from now on. The currency is fixed then.",
    ),
    Verb(
        "pause",
        "Pause",
        "referrals.change_campaign",
        pause,
        suits=lambda campaign: campaign.status == Status.LIVE,
        explains="Links still lead to the landing page, but nobody new joins. "
        "Events are judged, and rewards go on.",
    ),
    Verb(
        "resume",
        "Resume",
        "referrals.change_campaign",
        resume,
        suits=lambda campaign: campaign.status == Status.PAUSED,
        explains="People can join again.",
    ),
    Verb(
        "end",
        "End",
        "referrals.change_campaign",
        end,
        suits=lambda campaign: campaign.status in {Status.LIVE, Status.PAUSED},
        explains="For good. What is pending runs out its window.",
        grave=True,
    ),
    MOVE_CLOCK,
    COPY,
)


@admin.register(Campaign)
class CampaignAdmin(rules.CampaignRules):
    names = ("campaign", "campaigns")
    form = CampaignForm
    verbs = VERBS
    list_display = ("name", "state", "kind", "milestone", "currency", "owner", "since")
    list_filter = ("status", "mode")
    ordering = ("-id",)
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    empty = "A campaign is an offer that people can share. Start with a test one."
    after_template = "admin/referrals/campaign.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "slug"),
                    ("mode", "currency"),
                    ("owner", "landing_url"),
                )
            },
        ),
        rules.FIELDSET,
        (
            "Review: what a person must look at",
            {"fields": (("amount_limit", "two_people_above"), "without_limit")},
        ),
        *FIELDSETS,
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("referrals.add_campaign"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("referrals.change_campaign"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return []
        return ["mode"] if obj.status == Status.DRAFT else ["mode", "currency"]

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: Any = None
    ) -> dict[str, Any]:
        return {} if obj else super().get_prepopulated_fields(request, obj)

    def find(self, queryset: Any, term: str) -> Any:
        return queryset.filter(name__icontains=term) | queryset.filter(slug=term)

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        if change:
            change_campaign(obj, by=actor(request), **form.changes())
            return
        fields = {"mode": obj.mode, **form.changes()}
        made = create_campaign(by=actor(request), **fields)
        obj.pk = made.pk

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            **super().row_context(request, row),
            "checklist": checklist.items(row),
            "rules": list(row.reward_rules.filter(retired_at=None).order_by("id")),
            "may_add_rule": request.user.has_perm("rewards.add_rewardrule"),
            "clock": row.now(timezone.now()) if row.mode == "test" else None,
            "due": next_due(row),
        }

    @display(description="Status", ordering="status", label=COLOURS)
    def state(self, campaign: Campaign) -> tuple[str, str]:
        return (campaign.status, campaign.get_status_display())

    @display(description="Mode", ordering="mode")
    def kind(self, campaign: Campaign) -> str:
        return campaign.get_mode_display()

    @display(description="Milestone")
    def milestone(self, campaign: Campaign) -> str:
        return milestone_in_words(milestone_of(campaign))

    @display(description="Made", ordering="id")
    def since(self, campaign: Campaign) -> str:
        return moment(campaign.created_at)
