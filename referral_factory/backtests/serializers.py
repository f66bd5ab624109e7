"""How backtests look from outside."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from referral_factory import money
from referral_factory.backtests.models import Backtest, BacktestChange
from referral_factory.backtests.rules import Rules, differences
from referral_factory.wire import IdField, MomentField
from referrals.milestones import shown_terms
from referrals.models import Referral
from referrals.serializers import CheckSerializer
from rewards.models import Kind, Side

STATUSES = list(Referral.Status)
Change = BacktestChange.Kind


class TriedRuleSerializer(serializers.Serializer[Any]):
    """A rule that is tried otherwise than it holds."""

    rule = serializers.CharField()
    now = serializers.JSONField()
    tried = serializers.JSONField()


class BacktestProgressSerializer(serializers.Serializer[Any]):
    referrals = serializers.IntegerField()
    total = serializers.IntegerField()
    events = serializers.IntegerField()
    percent = serializers.IntegerField()


class QualifiedSerializer(serializers.Serializer[Any]):
    """How many referrals count: as it was, as it would be; and who is not in both."""

    really = serializers.IntegerField()
    tried = serializers.IntegerField()
    more = serializers.IntegerField()
    fewer = serializers.IntegerField()


class CostSerializer(serializers.Serializer[Any]):
    """The rewards of what counts, in one currency."""

    currency = serializers.CharField()
    really = serializers.CharField()
    tried = serializers.CharField()
    difference = serializers.CharField()


class BacktestResultSerializer(serializers.Serializer[Any]):
    referrals = serializers.IntegerField()
    events = serializers.IntegerField()
    changed = serializers.IntegerField()
    qualified = QualifiedSerializer()
    really = serializers.DictField(child=serializers.IntegerField())
    tried = serializers.DictField(child=serializers.IntegerField())
    cost = CostSerializer(many=True)


class BacktestSerializer(serializers.Serializer[Backtest]):
    id = IdField("bkt")
    campaign = IdField("cmp", source="campaign_id")
    status = serializers.ChoiceField(Backtest.Status.choices)
    rules = serializers.SerializerMethodField()
    differs = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    result = serializers.SerializerMethodField()
    changes_url = serializers.SerializerMethodField()
    error = serializers.CharField()
    made_by = serializers.CharField()
    created_at = MomentField()
    finished_at = MomentField()

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python's own."""
        fields = super().get_fields()
        between = {
            "from": MomentField(source="begins_at"),
            "to": MomentField(source="ends_at"),
        }
        return {**fields, **between}

    def get_rules(self, backtest: Backtest) -> dict[str, Any]:
        """What was tried, whole."""
        milestone = shown_terms(backtest.tried["milestone"])
        return {**backtest.tried, "milestone": milestone}

    @extend_schema_field(TriedRuleSerializer(many=True))
    def get_differs(self, backtest: Backtest) -> list[dict[str, Any]]:
        return [
            {"rule": name, "now": now, "tried": tried}
            for name, now, tried in differences_of(backtest)
        ]

    @extend_schema_field(BacktestProgressSerializer)
    def get_progress(self, backtest: Backtest) -> dict[str, int]:
        return {
            "referrals": backtest.done_referrals,
            "total": backtest.total_referrals,
            "events": backtest.done_events,
            "percent": percent(backtest),
        }

    @extend_schema_field(BacktestResultSerializer)
    def get_result(self, backtest: Backtest) -> dict[str, Any]:
        """So far, while it runs."""
        return result_of(backtest)

    def get_changes_url(self, backtest: Backtest) -> str:
        return f"/api/v1/backtests/{backtest.public_id}/changes"


class BacktestDecisionSerializer(serializers.Serializer[Any]):
    """What was, or would be, decided of the event, and why the referral stands so."""

    outcome = serializers.CharField(allow_null=True)
    reason = serializers.CharField()
    explanation = CheckSerializer(many=True)


class BacktestWhySerializer(serializers.Serializer[Any]):
    event = serializers.CharField(allow_null=True)
    really = BacktestDecisionSerializer()
    tried = BacktestDecisionSerializer()


class TriedRewardSerializer(serializers.Serializer[Any]):
    side = serializers.ChoiceField(Side.choices)
    kind = serializers.ChoiceField(Kind.choices)
    amount = serializers.CharField()
    currency = serializers.CharField()


class BothRewardsSerializer(serializers.Serializer[Any]):
    really = TriedRewardSerializer(many=True, source="rewards_really")
    tried = TriedRewardSerializer(many=True, source="rewards_tried")


class BacktestChangeSerializer(serializers.Serializer[BacktestChange]):
    """A referral of which something else would have become."""

    referral = IdField("ref", source="referral_id")
    change = serializers.ChoiceField(Change.choices, source="kind")
    really = serializers.ChoiceField(Referral.Status.choices)
    tried = serializers.ChoiceField(Referral.Status.choices)
    why = BacktestWhySerializer()
    rewards = BothRewardsSerializer(source="*")


def differences_of(backtest: Backtest) -> list[tuple[str, Any, Any]]:
    held, tried = Rules.from_json(backtest.held), Rules.from_json(backtest.tried)
    return list(differences(held, tried))


def percent(backtest: Backtest) -> int:
    if backtest.status == Backtest.Status.DONE:
        return 100
    return min(99, backtest.done_referrals * 100 // max(backtest.total_referrals, 1))


def result_of(backtest: Backtest) -> dict[str, Any]:
    counts = backtest.counts
    really, tried = counts.get("really", {}), counts.get("tried", {})
    changes = counts.get("changes", {})
    return {
        "referrals": sum(really.values()),
        "events": backtest.done_events,
        "changed": sum(changes.values()),
        "qualified": {
            "really": really.get("qualified", 0),
            "tried": tried.get("qualified", 0),
            "more": changes.get(Change.QUALIFIES, 0),
            "fewer": changes.get(Change.NO_LONGER, 0),
        },
        "really": {status: really.get(status, 0) for status in STATUSES},
        "tried": {status: tried.get(status, 0) for status in STATUSES},
        "cost": costs_of(backtest),
    }


def costs_of(backtest: Backtest) -> list[dict[str, str]]:
    really = backtest.counts.get("cost_really", {})
    tried = backtest.counts.get("cost_tried", {})
    return [_cost(unit, really, tried) for unit in sorted({*really, *tried})]


def _cost(
    unit: str, really: Mapping[str, str], tried: Mapping[str, str]
) -> dict[str, str]:
    was, would = Decimal(really.get(unit, 0)), Decimal(tried.get(unit, 0))
    return {
        "currency": unit,
        "really": money.as_text(was, unit),
        "tried": money.as_text(would, unit),
        "difference": money.as_text(would - was, unit),
    }
