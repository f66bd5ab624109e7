"""The rules of a campaign in the admin: the condition's editor, and its versions."""

from typing import Any

from django import forms
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from referral_factory import money
from referral_factory.admin_base import Admin, long_text, select
from referral_factory.errors import InvalidInput
from referral_factory.expressions import LONGEST, BadExpression
from referrals.milestones import Compared, compare
from referrals.models import Campaign, MilestoneVersion
from referrals.services.rules import (
    LOOKED_AT,
    RULES,
    fields_seen,
    known_fields,
    refuse_bad_rules,
    try_condition,
)
from referrals.telling import actor_in_words

# The currency stands with what the campaign is.
COLUMNS = (*(name for name in RULES if name != "currency"), "attribution_days")
FIELDSET = (
    "Milestone: what makes a referral count",
    {
        "fields": (
            ("milestone_event", "milestone_minimum"),
            "milestone_condition",
            ("milestone_count", "milestone_sum"),
            ("milestone_within_days", "holding_days"),
            ("attribution_days", "match_days"),
            ("reversal_events", "reversal_policy"),
        )
    },
)
HELP = {
    "milestone_event": "The event that makes a referral count.",
    "milestone_minimum": "Of each event's amount; empty: any amount.",
    "milestone_count": "How many such events it takes; empty: one. Lowering it moves "
    "nobody until their next event that counts.",
    "milestone_sum": "Or how much they come to in all. Lowering it moves nobody until "
    "their next event that counts.",
    "milestone_within_days": "How long after it was made a referral can count.",
    "holding_days": "How long it waits, once reached, before it counts.",
    "attribution_days": "How long a link counts once it was followed.",
    "match_days": "How long before its referral an event may have happened.",
    "reversal_policy": "What becomes of a referral that counted.",
}
LABELS = {
    "milestone_event": "Event",
    "milestone_minimum": "Minimum amount",
    "milestone_count": "Count",
    "milestone_sum": "Sum",
    "milestone_within_days": "Within days",
    "reversal_policy": "If it is taken back later",
}
POLICIES = (
    ("take_back", "Disqualify it, and cancel what was not issued"),
    ("ask", "Keep it, and let a person look at its rewards"),
    ("keep", "Keep it, and its rewards"),
)
# Where the API's name of a field is another than the form's.
FIELDS = {
    "/milestone/minimum_amount": "milestone_minimum",
    "/milestone/condition": "milestone_condition",
    "/milestone/count": "milestone_count",
    "/milestone/sum": "milestone_sum",
}
SHOWN_VERSIONS = 200


class ConditionEditor(forms.Widget):
    """A text with a button that tries it, and the fields that it may read."""

    campaign: Campaign | None = None

    def render(
        self, name: str, value: Any, attrs: Any = None, renderer: Any = None
    ) -> SafeString:
        area = long_text(attrs={"rows": 4, "spellcheck": "false", "class": "rf-code"})
        campaign = self.campaign
        shown = {
            "area": area.render(name, value, attrs),
            "id": (attrs or {}).get("id", f"id_{name}"),
            "address": reverse("admin:referrals_campaign_condition"),
            "campaign": campaign,
            "known": known_fields(),
            "seen": fields_seen(campaign) if campaign else [],
        }
        return render_to_string("admin/referrals/condition.html", shown)


class RulesForm(forms.ModelForm):
    """What makes a referral count; refused as the API does, beside the field."""

    milestone_condition = forms.CharField(
        label="Condition",
        max_length=LONGEST,
        required=False,
        widget=ConditionEditor(),
        help_text='What else has to be true, such as event.properties.plan == "pro".',
    )

    class Meta:
        model = Campaign
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        editor = self.fields["milestone_condition"].widget
        assert isinstance(editor, ConditionEditor)  # noqa: S101 - declared above
        policy = self.fields.get("reversal_policy")  # not for who may only look
        if isinstance(policy, forms.ChoiceField):
            policy.choices = POLICIES
        editor.campaign = None if self.instance._state.adding else self.instance
        for name in ("milestone_minimum", "milestone_sum"):
            amount = getattr(self.instance, name)
            if amount is not None:
                self.initial[name] = f"{amount.normalize():f}"

    def clean_milestone_condition(self) -> str:
        return str(self.cleaned_data["milestone_condition"]).replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                refuse_bad_rules(campaign_with(self.instance, cleaned))
            except InvalidInput as refusal:
                self.add_error(FIELDS[refusal.pointer], str(refusal))
        return cleaned


def campaign_with(campaign: Campaign | None, given: dict[str, Any]) -> Campaign:
    """The campaign as it would be; nothing of it is saved."""
    known = campaign or Campaign()
    names = (*COLUMNS, "mode", "slug", "currency")
    values = {name: given.get(name, getattr(known, name)) for name in names}
    return Campaign(id=known.pk, launched_at=known.launched_at, **values)


class CampaignRules(Admin):
    """The pages of a campaign's rules, for its admin."""

    class Media:
        js = ("admin_rules.js",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path(
                "condition/",
                view(self.condition_view),
                name="referrals_campaign_condition",
            ),
            path(
                "<path:object_id>/versions/",
                view(self.versions_view),
                name="referrals_campaign_versions",
            ),
        ]
        return [*ours, *super().get_urls()]

    def condition_view(self, request: HttpRequest) -> HttpResponse:
        """What a condition that is not saved yet says of the last events."""
        named = request.POST.get("campaign", "")
        row = self.get_object(request, named) if named else None
        allowed = self.has_change_permission(request, row)
        if not allowed and (named or not self.has_add_permission(request)):
            raise PermissionDenied
        if request.method != "POST" or (named and row is None):
            raise Http404
        return HttpResponse(trial_page(_typed(request, row)))

    def versions_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What the rules were, and how any two versions of them differ."""
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        form = VersionsForm(row, request.GET or None)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": f"Versions of the rules: {row}",
            "back": self.address(row),
            "form": form,
            "pair": form.pair(),
            "terms": form.compared(),
            "versions": [(v, actor_in_words(v.made_by)) for v in form.versions],
        }
        return TemplateResponse(request, "admin/referrals/versions.html", context)


class VersionsForm(forms.Form):
    """Which two versions to compare: by default, the last change."""

    older = forms.TypedChoiceField(coerce=int, label="Compare version", widget=select())
    newer = forms.TypedChoiceField(coerce=int, label="with version", widget=select())

    def __init__(self, campaign: Campaign, data: Any = None) -> None:
        rows = MilestoneVersion.objects.filter(campaign=campaign).order_by("-version")
        self.versions = list(rows[:SHOWN_VERSIONS])
        super().__init__(data)
        for name in ("older", "newer"):
            field = self.fields[name]
            assert isinstance(field, forms.TypedChoiceField)  # noqa: S101
            field.choices = [(v.version, str(v.version)) for v in self.versions]
        if len(self.versions) > 1:
            self.initial = {
                "older": self.versions[1].version,
                "newer": self.versions[0].version,
            }

    def pair(self) -> tuple[MilestoneVersion, MilestoneVersion] | None:
        chosen = self.cleaned_data if self.is_valid() else self.initial
        rows = {row.version: row for row in self.versions}
        if not {"older", "newer"} <= chosen.keys():
            return None
        return rows[chosen["older"]], rows[chosen["newer"]]

    def compared(self) -> list[Compared]:
        pair = self.pair()
        return compare(pair[0].terms, pair[1].terms) if pair else []


def trial_page(campaign: Campaign) -> str:
    """What trying it says, for the place below the text."""
    text = campaign.milestone_condition
    context: dict[str, Any] = {"looked_at": LOOKED_AT, "campaign": campaign}
    try:
        if len(text) > LONGEST:
            raise BadExpression(f"At most {LONGEST} characters are taken.")
        context["trial"] = try_condition(campaign) if text else None
    except BadExpression as error:
        line = (text.splitlines() or [""])[error.place.line - 1 :][:1]
        context |= {"error": error, "line": line[0] if line else ""}
        context["pointer"] = " " * (error.place.column - 1) + "^"
    return render_to_string("admin/referrals/trial.html", context)


def _typed(request: HttpRequest, row: Campaign | None) -> Campaign:
    """The campaign as the form has it, as far as a condition depends on it."""
    given: dict[str, Any] = {
        "milestone_condition": request.POST.get("milestone_condition", "")
        .replace("\r\n", "\n")
        .strip(),
        "milestone_event": request.POST.get("milestone_event", "")[:100],
    }
    currency = request.POST.get("currency", "").upper()
    if currency in money.CURRENCIES:
        given["currency"] = currency
    return campaign_with(row, given)
