"""How endpoints, messages, deliveries and attempts look from outside."""

import json
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from referral_factory.wire import IdField, MomentField
from webhooks.models import Attempt, Delivery, Endpoint, Message


class EndpointSerializer(serializers.Serializer[Endpoint]):
    id = IdField("whe")
    url = serializers.CharField()
    description = serializers.CharField()
    types = serializers.ListField(child=serializers.CharField())
    campaigns = serializers.ListField(child=IdField("cmp"), source="campaign_ids")
    headers = serializers.SerializerMethodField()
    mode = serializers.CharField()
    status = serializers.ChoiceField(Endpoint.Status.choices)
    disabled_reason = serializers.CharField()
    failing_since = MomentField()
    created_at = MomentField()

    def get_headers(self, endpoint: Endpoint) -> dict[str, str]:
        """Their names. A value may be a password, so it is never shown again."""
        return dict.fromkeys(endpoint.headers, "***")

    @classmethod
    def prepare(cls, rows: QuerySet[Endpoint]) -> QuerySet[Endpoint]:
        return rows


class EndpointWithSecretSerializer(EndpointSerializer):
    """An endpoint, in the one answer that shows its secret."""

    secret = serializers.CharField()


class RecoveredSerializer(serializers.Serializer[Any]):
    """How many deliveries are tried again."""

    deliveries = serializers.IntegerField()


class MessageSerializer(serializers.Serializer[Message]):
    """A message as it was sent, with its place in the change feed."""

    type = serializers.CharField()
    timestamp = serializers.CharField()
    id = IdField("msg")
    mode = serializers.CharField()
    campaign = IdField("cmp", source="campaign_id")
    sequence = serializers.IntegerField()
    data = serializers.JSONField()  # type: ignore[assignment]
    position = serializers.IntegerField()

    def to_representation(self, instance: Message) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(instance.body)
        return {**body, "position": instance.position}


class DeliverySerializer(serializers.Serializer[Delivery]):
    id = IdField("dlv")
    message = IdField("msg", source="message_id")
    endpoint = IdField("whe", source="endpoint_id")
    status = serializers.ChoiceField(Delivery.Status.choices)
    tries = serializers.IntegerField(source="attempts")
    due_at = serializers.SerializerMethodField()
    created_at = MomentField()
    finished_at = MomentField()

    def get_due_at(self, delivery: Delivery) -> str | None:
        """When it is tried next; null when it is not."""
        if delivery.status != Delivery.Status.PENDING:
            return None
        return MomentField().to_representation(delivery.due_at)


class AttemptSerializer(serializers.Serializer[Attempt]):
    id = IdField("att")
    number = serializers.IntegerField()
    status_code = serializers.IntegerField()
    error = serializers.CharField()
    latency_ms = serializers.IntegerField()
    response_body = serializers.CharField()
    created_at = MomentField()


class DeliveryWithAttemptsSerializer(DeliverySerializer):
    attempts = serializers.SerializerMethodField()

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, delivery: Delivery) -> list[dict[str, Any]]:
        """Every try, the first one first."""
        attempts = Attempt.objects.filter(delivery_id=delivery.pk).order_by("id")
        return [AttemptSerializer(each).data for each in attempts]
