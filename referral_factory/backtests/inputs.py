"""What may be tried, read as strictly as what is saved."""

from typing import Any

from rest_framework import serializers

from referral_factory.wire import (
    ChoiceField,
    CurrencyField,
    MomentField,
    MoneyField,
    StrictSerializer,
)
from referrals.inputs import CampaignInput
from rewards.models import Kind, Side

MOST_RULES = 20
# Of a campaign: what its decisions are made by.
RULES = {
    "milestone",
    "holding_days",
    "match_days",
    "reversal_events",
    "reversal_policy",
}


class TriedRewardInput(StrictSerializer):
    """A reward rule that is only tried. The currency is the campaign's."""

    side = ChoiceField(Side.choices)
    kind = ChoiceField(Kind.choices, default=Kind.FIXED.value)
    amount = MoneyField(positive=True)
    currency = CurrencyField(required=False)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Whole, although what is around it may leave out whatever stays as it is."""
        if getattr(self, "parent", None) is None:
            return super().run_validation(data)
        return TriedRewardInput().run_validation(data)


class BacktestInput(CampaignInput):
    """Rules of a campaign as its PATCH takes them; what is left out stays as it is."""

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python's own."""
        rules = {n: f for n, f in super().get_fields().items() if n in RULES}
        tried = TriedRewardInput()
        return {
            **rules,
            "reward_rules": serializers.ListField(
                child=tried, required=False, max_length=MOST_RULES
            ),
            "from": MomentField(required=False, allow_null=True),
            "to": MomentField(required=False, allow_null=True),
        }
