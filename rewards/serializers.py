"""How this app's objects look from outside, in the API and in messages alike."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from referral_factory.wire import IdField, MomentField, MoneyField
from rewards.models import Kind, Reward, RewardRule, Side
from rewards.showing import show_reward


class RewardRuleSerializer(serializers.Serializer[RewardRule]):
    id = IdField("rul")
    campaign = IdField("cmp", source="campaign_id")
    side = serializers.ChoiceField(Side.choices)
    kind = serializers.ChoiceField(Kind.choices)
    amount = MoneyField()
    currency = serializers.CharField()
    version = serializers.IntegerField()
    created_at = MomentField()
    retired_at = MomentField()

    @classmethod
    def prepare(cls, rows: QuerySet[RewardRule]) -> QuerySet[RewardRule]:
        return rows


class ReasonSerializer(serializers.Serializer[dict[str, object]]):
    """Why a reward was flagged, with what was seen."""

    code = serializers.CharField()
    detail = serializers.CharField()
    evidence = serializers.JSONField()


class RewardSerializer(serializers.Serializer[Reward]):
    id = IdField("rwd")
    campaign = IdField("cmp", source="campaign_id")
    referral = IdField("ref", source="referral_id")
    recipient = IdField("ptc", source="recipient_id")
    side = serializers.ChoiceField(Side.choices)
    rule = IdField("rul", source="rule_id")
    rule_version = serializers.IntegerField()
    kind = serializers.ChoiceField(Kind.choices)
    amount = MoneyField()
    currency = serializers.CharField()
    status = serializers.ChoiceField(Reward.Status.choices)
    reasons = ReasonSerializer(many=True)
    decided_by = serializers.CharField()
    decided_at = MomentField()
    decision_note = serializers.CharField()
    available_at = MomentField()
    reference = serializers.CharField()
    issued_at = MomentField()
    disputed_at = MomentField()
    created_at = MomentField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """What the fields say, in a tenth of their time."""
        return show_reward(instance)

    @classmethod
    def prepare(cls, rows: QuerySet[Reward]) -> QuerySet[Reward]:
        return rows


class ApprovedRewardSerializer(RewardSerializer):
    """A reward, with how many have approved it of how many must."""

    approvals = serializers.IntegerField()
    needed = serializers.IntegerField()
