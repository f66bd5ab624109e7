"""How the story of a referral looks from outside."""

from typing import Any

from rest_framework import serializers

from referral_factory.wire import IdField, MomentField
from referrals import telling
from referrals.models import Referral
from referrals.serializers import CheckSerializer
from referrals.timelines import Ahead, Entry, Timeline


class AskedSerializer(CheckSerializer):
    """A check with the question that it asks, in words."""

    question = serializers.SerializerMethodField()

    def get_question(self, check: dict[str, Any]) -> str:
        return telling.question(check["check"])


class AheadSerializer(serializers.Serializer[Ahead]):
    """What time does to the referral, if nothing else happens before."""

    at = MomentField()
    summary = serializers.CharField(source="what")


class EntrySerializer(serializers.Serializer[Entry]):
    """One thing that happened, by the campaign's clock."""

    at = MomentField()
    kind = serializers.CharField()
    summary = serializers.CharField(source="what")
    reason = serializers.CharField(source="why")
    status = serializers.CharField()
    by = serializers.CharField()
    who = serializers.CharField()
    about = serializers.CharField(source="about.public_id")
    because_of = IdField("evt", source="because.pk", default=None)
    happened_at = MomentField()
    rules_version = serializers.IntegerField(allow_null=True)
    explanation = AskedSerializer(source="checks", many=True)


class TimelineSerializer(serializers.Serializer[Timeline]):
    """What happened to a referral, oldest first, and what time does next."""

    referral = IdField("ref", source="referral.pk")
    status = serializers.ChoiceField(Referral.Status.choices, source="referral.status")
    summary = serializers.CharField()
    next = AheadSerializer(source="ahead", allow_null=True)
    entries = EntrySerializer(many=True)
    left_out = serializers.BooleanField()
