"""What lists can be narrowed down by."""

from django_filters import rest_framework as filters

from referral_factory.access.filters import (
    ChoiceFilter,
    IdFilter,
    MomentFilter,
    YesOrNoFilter,
)
from rewards.models import Reward, Side


class RewardFilter(filters.FilterSet):
    campaign = IdFilter(prefix="cmp", field_name="campaign_id")
    referral = IdFilter(prefix="ref", field_name="referral_id")
    recipient = IdFilter(prefix="ptc", field_name="recipient_id")
    rule = IdFilter(prefix="rul", field_name="rule_id")
    side = ChoiceFilter(choices=Side.choices)
    status = ChoiceFilter(choices=Reward.Status.choices)
    disputed = YesOrNoFilter(
        field_name="disputed_at", lookup_expr="isnull", exclude=True
    )
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Reward
        fields: list[str] = []
