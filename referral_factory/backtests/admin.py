"""Trying rules on the past, from the page of a campaign, before they are saved."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST, require_safe

from referral_factory import money
from referral_factory.admin_base import (
    COLOURS,
    Admin,
    InfinitePaginator,
    display,
    moment_field,
    number,
)
from referral_factory.admin_verbs import Asked, Verb, actor
from referral_factory.backtests.models import Backtest, BacktestChange
from referral_factory.backtests.rules import (
    RewardTerms,
    Rules,
    differences,
    rules_of,
    tried_rules,
)
from referral_factory.backtests.serializers import (
    differences_of,
    percent,
    result_of,
)
from referral_factory.backtests.services import cancel_backtest, start_backtest
from referral_factory.errors import DomainError
from referral_factory.templatetags.admin_words import counted, moment, words
from referrals.models import Campaign, Event
from rewards.models import Kind, Side

Status = Backtest.Status
SALT = "backtests.tried"
FRESH = 24 * 3600  # seconds that a form may lie open
PAGE = 25  # changes


class TrialForm(forms.Form):
    """What is tried beside the rules that the campaign's form holds."""

    tried = forms.CharField(widget=forms.HiddenInput, max_length=100_000)
    begins_at = moment_field(label="From", help_text="UTC; empty: from the beginning.")
    ends_at = moment_field(label="To", help_text="UTC; empty: until now.")

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.campaign = campaign
        held = rules_of(campaign).rewards or ()
        for side in Side.values:
            rules = [rule.amount for rule in held if rule.side == side]
            self.fields[side] = self._amount(side, sum(rules, Decimal(0)))
        self.order_fields(["tried", *Side.values])

    def clean_tried(self) -> Rules:
        """As it was signed, when the campaign's form had been found good."""
        try:
            kept = signing.loads(self.cleaned_data["tried"], salt=SALT, max_age=FRESH)
        except signing.BadSignature as error:
            raise forms.ValidationError("It is not ours.") from error
        return Rules.from_json(kept)

    def clean(self) -> dict[str, Any]:
        begins, ends = (self.cleaned_data.get(n) for n in ("begins_at", "ends_at"))
        if begins and ends and ends < begins:
            self.add_error("ends_at", "It ends before it begins.")
        return self.cleaned_data

    @property
    def rules(self) -> Rules:
        """With what each side would get, in one rule each, where that was changed."""
        given = self.cleaned_data
        if not set(self.changed_data) & set(Side.values):
            return given["tried"]
        unit, kind = self.campaign.currency, Kind.FIXED.value
        sides = [side for side in Side.values if given[side]]
        rewards = tuple(RewardTerms(side, kind, given[side], unit) for side in sides)
        return replace(given["tried"], rewards=rewards)

    def _amount(self, side: str, now: Decimal) -> forms.DecimalField:
        unit = self.campaign.currency
        return forms.DecimalField(
            label=f"The {side} gets",
            required=False,
            min_value=0,
            max_digits=money.MAX_DIGITS,
            decimal_places=money.places(unit),
            widget=number(),
            initial=Decimal(money.as_text(now, unit)) if now else None,
            help_text=f"{unit} for each referral that counts. As it is: what was "
            "granted stays.",
        )


def cancel(row: Backtest, asked: Asked) -> str:
    cancel_backtest(row, wall=asked.wall)
    return "cancelled"


CANCEL = Verb(
    "cancel",
    "Cancel",
    "backtests.add_backtest",
    cancel,
    suits=lambda backtest: backtest.status == Status.RUNNING,
    explains="It stops here. What it found so far stays.",
)


@admin.register(Backtest)
class BacktestAdmin(Admin):
    names = ("backtest", "backtests")
    verbs = (CANCEL,)
    list_display = ("what", "state", "campaign", "more", "fewer", "since", "who")
    list_display_links = ("what",)
    list_filter = ("status", "campaign")
    list_select_related = ("campaign",)
    ordering = ("-id",)
    paginator = InfinitePaginator
    empty = "Change the rules on a campaign's page, and try them before you save them."
    after_template = "admin/backtests/backtest.html"
    fieldsets = ((None, {"fields": (("campaign", "period"), ("who", "since"))}),)
    readonly_fields = ("campaign", "who", "since", "period")

    class Media:
        js = ("admin_progress.js",)

    def get_urls(self) -> list[URLPattern]:
        pages = {
            "try": require_POST(self.try_view),
            "start": require_POST(self.start_view),
            "progress": require_safe(self.progress_view),
        }
        ours = [
            path(
                f"<uuid:key>/{page}/",
                self.admin_site.admin_view(view),
                name=f"backtests_backtest_{page}",
            )
            for page, view in pages.items()
        ]
        return [*ours, *super().get_urls()]

    # --- Trying ---

    def try_view(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """A campaign's form as it was filled in: what would be tried of it."""
        campaign = self._campaign(request, key)
        form = _form_of(request, self._campaign(request, key))
        if not form.is_valid():
            return self._back(request, campaign, *_faults(form))
        try:
            tried = tried_rules(campaign, form.changes())
        except DomainError as refusal:
            return self._back(request, campaign, str(refusal))
        signed = signing.dumps(tried.as_json(), salt=SALT, compress=True)
        trial = TrialForm(campaign=campaign, initial={"tried": signed})
        return self._ask_what_else(request, campaign, tried, trial)

    def start_view(self, request: HttpRequest, key: UUID) -> HttpResponse:
        campaign = self._campaign(request, key)
        form = TrialForm(request.POST, campaign=campaign)
        good = form.is_valid()
        tried = form.cleaned_data.get("tried")
        if tried is None:
            return self._back(request, campaign, "Try them again from here, please.")
        if not good:
            return self._ask_what_else(request, campaign, tried, form)
        period = {name: form.cleaned_data[name] for name in ("begins_at", "ends_at")}
        try:
            backtest = start_backtest(
                campaign, tried=form.rules, by=actor(request), **period
            )
        except DomainError as refusal:
            return self._back(request, campaign, str(refusal))
        self.log_addition(request, backtest, "Tried other rules.")
        return HttpResponseRedirect(self.address(backtest))

    def _ask_what_else(
        self, request: HttpRequest, campaign: Campaign, tried: Rules, form: TrialForm
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Try these rules: {campaign}",
            "campaign": campaign,
            "differs": list(differences(rules_of(campaign), tried)),
            "form": form,
            "action": reverse("admin:backtests_backtest_start", args=[campaign.pk]),
            "back": _address(campaign),
        }
        return TemplateResponse(request, "admin/backtests/try.html", context)

    def _back(
        self, request: HttpRequest, campaign: Campaign, *faults: str
    ) -> HttpResponse:
        for fault in faults:
            messages.error(request, fault)
        return HttpResponseRedirect(_address(campaign))

    def _campaign(self, request: HttpRequest, key: UUID) -> Campaign:
        if not request.user.has_perm("backtests.add_backtest"):
            raise PermissionDenied
        return get_object_or_404(Campaign, pk=key)

    # --- One backtest ---

    def row_context(self, request: HttpRequest, row: Backtest) -> dict[str, Any]:
        return {
            **super().row_context(request, row),
            **self._progress(row),
            "differs": differences_of(row),
            "changes": _changes(row, request.GET.get("page")),
        }

    def progress_view(self, request: HttpRequest, key: UUID) -> HttpResponse:
        if not request.user.has_perm("backtests.view_backtest"):
            raise PermissionDenied
        row = get_object_or_404(Backtest, pk=key)
        context = {"row": row, **self._progress(row)}
        return TemplateResponse(request, "admin/backtests/progress.html", context)

    def _progress(self, row: Backtest) -> dict[str, Any]:
        result = result_of(row)
        really, tried = result["really"], result["tried"]
        return {
            "busy": row.status == Status.RUNNING,
            "percent": percent(row),
            "result": result,
            "statuses": [(s, really[s], tried[s]) for s in really],
            "costs": [_cost_in_words(each) for each in result["cost"]],
            "progress_address": reverse(
                "admin:backtests_backtest_progress", args=[row.pk]
            ),
        }

    # --- Columns of the list ---

    @display(description="What is tried")
    def what(self, backtest: Backtest) -> str:
        named = [words(name) for name, _, _ in differences_of(backtest)]
        return ", ".join(named) or "the rules as they are"

    @display(description="Status", ordering="status", label=COLOURS)
    def state(self, backtest: Backtest) -> tuple[str, str]:
        return (backtest.status, backtest.get_status_display())

    @display(description="More qualify")
    def more(self, backtest: Backtest) -> str:
        return counted(result_of(backtest)["qualified"]["more"])

    @display(description="Fewer qualify")
    def fewer(self, backtest: Backtest) -> str:
        return counted(result_of(backtest)["qualified"]["fewer"])

    @display(description="Tried", ordering="id")
    def since(self, backtest: Backtest) -> str:
        return moment(backtest.created_at)

    @display(description="By")
    def who(self, backtest: Backtest) -> str:
        return backtest.made_by.removeprefix("user:").replace("key:", "API key ")

    @display(description="Period")
    def period(self, backtest: Backtest) -> str:
        begins, ends = backtest.begins_at, backtest.ends_at
        if not begins and not ends:
            return "all of the past"
        since = f"from {begins:%-d %b %Y, %H:%M} UTC" if begins else "all of the past"
        return f"{since} to {ends:%-d %b %Y, %H:%M} UTC" if ends else f"{since} on"


def _form_of(request: HttpRequest, campaign: Campaign) -> Any:
    """The campaign's own form, which is never saved here."""
    page = admin.site.get_model_admin(Campaign)
    form = page.get_form(request, campaign, change=True)
    return form(request.POST, instance=campaign)


def _faults(form: forms.ModelForm) -> list[str]:
    named = form.fields
    return [
        f"{named[name].label}: {fault}" if name in named else str(fault)
        for name, faults in form.errors.items()
        for fault in faults
    ]


def _address(campaign: Campaign) -> str:
    return reverse("admin:referrals_campaign_change", args=[quote(campaign.pk)])


def _changes(row: Backtest, page: str | None) -> "Page[BacktestChange]":
    """A page of what changes, each with its event."""
    rows = row.changes.select_related("referral__advocate", "referral__friend")
    shown = Paginator(rows.order_by("id"), PAGE).get_page(page)
    keys = {change.pk: change.event_key for change in shown}
    events = Event.objects.in_bulk([key for key in keys.values() if key])
    for change in shown:
        change.event = events.get(keys[change.pk])  # type: ignore[attr-defined]
    return shown


def _cost_in_words(cost: dict[str, str]) -> dict[str, str]:
    unit = cost["currency"]
    return {
        name: money.for_people(Decimal(cost[name]), unit)
        for name in ("really", "tried", "difference")
    }
