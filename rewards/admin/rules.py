"""Reward rules: made, changed and retired; every change is a new version."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from referral_factory import money
from referral_factory.admin_base import Admin, display
from referral_factory.admin_verbs import Asked, Verb, actor
from referral_factory.templatetags.admin_words import moment
from rewards.models import RewardRule
from rewards.services.rules import change_rule, create_rule, retire_rule


class RuleForm(forms.ModelForm):
    class Meta:
        model = RewardRule
        fields = ["campaign", "side", "amount"]
        help_texts = {"amount": "In the campaign's currency."}


def retire(row: RewardRule, asked: Asked) -> str:
    retire_rule(row, wall=asked.wall)
    return "retired"


RETIRE = Verb(
    "retire",
    "Retire",
    "rewards.change_rewardrule",
    retire,
    suits=lambda rule: rule.retired_at is None,
    explains="It grants nothing more. What it granted stays as it is.",
    grave=True,
)


@admin.register(RewardRule)
class RewardRuleAdmin(Admin):
    names = ("reward rule", "reward rules")
    form = RuleForm
    verbs = (RETIRE,)
    list_display = ("says", "campaign", "version", "since", "until")
    list_filter = ("campaign", "side")
    list_select_related = ("campaign",)
    ordering = ("-id",)
    empty = "A rule says what an advocate or a friend earns in a campaign."
    fieldsets = ((None, {"fields": (("campaign", "side", "amount"),)}),)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("rewards.add_rewardrule"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        retired = obj is not None and obj.retired_at is not None
        return not retired and bool(request.user.has_perm("rewards.change_rewardrule"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["campaign", "side"] if obj else []

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        by = actor(request)
        if change:
            change_rule(obj, amount=form.cleaned_data["amount"], by=by)
            return
        currency = obj.campaign.currency
        made = create_rule(
            obj.campaign, side=obj.side, amount=obj.amount, currency=currency, by=by
        )
        obj.pk, obj.currency = made.pk, currency

    @display(description="Rule")
    def says(self, rule: RewardRule) -> str:
        return f"{money.for_people(rule.amount, rule.currency)} to the {rule.side}"

    @display(description="Since", ordering="id")
    def since(self, rule: RewardRule) -> str:
        return moment(rule.created_at)

    @display(description="Retired")
    def until(self, rule: RewardRule) -> str:
        return moment(rule.retired_at)
