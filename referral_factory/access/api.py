"""API keys over the API."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.access.idempotency import SecretResponse
from referral_factory.access.models import ApiKey
from referral_factory.access.serializers import (
    KeySerializer,
    MadeKeySerializer,
    NewKeySerializer,
)
from referral_factory.access.services import create_narrower_key, revoke_key
from referral_factory.access.viewsets import ApiViewSet


class KeyViewSet(ListModelMixin, ApiViewSet):
    """API keys: list, make, revoke."""

    resource = "keys"
    prefix = "key"
    campaign_path = None
    serializer_class = KeySerializer
    inputs = {"create": NewKeySerializer, "revoke": None}

    def get_queryset(self) -> QuerySet[ApiKey]:
        keys = self.visible(ApiKey.objects.order_by("-id"))
        return keys & ApiKey.objects.within(self.key.campaign_ids)

    @extend_schema(responses={201: MadeKeySerializer})
    def create(self, request: Request) -> Response:
        """Make a key that may do no more than the one that calls.

        `secret` is in this answer and nowhere else.
        """
        fields = self.validated(NewKeySerializer)
        key, secret = create_narrower_key(self.key, **fields)
        return SecretResponse(
            MadeKeySerializer(key, context={"secret": secret}).data,
            secret_fields=("secret",),
            status=status.HTTP_201_CREATED,
        )

    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, public_id: str) -> Response:
        """End a key at once. Revoking it again changes nothing."""
        key = self.get_object()
        revoke_key(key)
        return Response(KeySerializer(key).data)
