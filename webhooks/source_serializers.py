"""How sources and what arrived from them look from outside."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from referral_factory.wire import IdField, MomentField
from webhooks.models import Arrival, Source
from webhooks.sources.keyring import holding
from webhooks.sources.services import address_of


class SourceSerializer(serializers.Serializer[Source]):
    id = IdField("src")
    campaign = IdField("cmp", source="campaign_id")
    name = serializers.CharField()
    url = serializers.SerializerMethodField()
    verification = serializers.ChoiceField(Source.Verification.choices)
    hmac = serializers.SerializerMethodField()
    secrets = serializers.SerializerMethodField()
    mapping = serializers.JSONField()
    created_at = MomentField()

    def get_url(self, source: Source) -> str:
        """Where the other system sends to."""
        return address_of(source)

    def get_hmac(self, source: Source) -> dict[str, Any] | None:
        """How its signatures are made; null where it does not sign like that."""
        return source.scheme or None

    def get_secrets(self, source: Source) -> int:
        """How many hold: more than one while one replaces another."""
        return len(holding(source, timezone.now()))


class SourceWithSecretSerializer(SourceSerializer):
    """A source, in the one answer that shows its secret; null if you brought it."""

    secret = serializers.CharField(allow_null=True)


class ArrivalSerializer(serializers.Serializer[Arrival]):
    """What arrived, and what became of it."""

    id = IdField("arr")
    campaign = IdField("cmp", source="campaign_id")
    source = IdField("src", source="source_id", allow_null=True)  # type: ignore[assignment]
    road = serializers.ChoiceField(Arrival.Road.choices)
    status = serializers.ChoiceField(Arrival.Status.choices)
    code = serializers.CharField()
    reason = serializers.CharField()
    event = IdField("evt", source="event_id", allow_null=True)
    content_type = serializers.CharField()
    size = serializers.IntegerField()
    address = serializers.CharField(allow_null=True)
    received_at = MomentField()
    replayed_at = MomentField(allow_null=True)


class WholeArrivalSerializer(ArrivalSerializer):
    """The same, with what was sent: a body is null where it was not kept."""

    headers = serializers.JSONField()
    query = serializers.CharField()
    body = serializers.SerializerMethodField()

    def get_body(self, arrival: Arrival) -> str | None:
        return body_text(arrival)


def body_text(arrival: Arrival) -> str | None:
    """The body for reading: what is not UTF-8 in it shows as replacement characters."""
    if arrival.body is None:
        return None
    return bytes(arrival.body).decode("utf-8", "replace").replace("\x00", "\ufffd")


class PreviewSerializer(serializers.Serializer[Any]):
    """What a sample would become. Nothing is written."""

    outcome = serializers.ChoiceField(["event", "ignored", "refused"])
    event = serializers.JSONField(allow_null=True)
    code = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    errors = serializers.JSONField()  # type: ignore[assignment]
