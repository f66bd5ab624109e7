"""Doors to endpoints, deliveries, messages and the catalogue."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_serializer,
)
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.access.idempotency import SecretResponse
from referral_factory.access.parameters import InvalidParameter, refuse_unknown
from referral_factory.access.viewsets import ApiViewSet, visible_to
from referral_factory.errors import InvalidInput
from referrals.models import Campaign
from webhooks import services
from webhooks.catalogue import described
from webhooks.filters import DeliveryFilter, EndpointFilter, MessageFilter
from webhooks.inputs import EndpointInput, RecoverInput
from webhooks.models import Delivery, Endpoint, Message
from webhooks.serializers import (
    DeliverySerializer,
    DeliveryWithAttemptsSerializer,
    EndpointSerializer,
    EndpointWithSecretSerializer,
    MessageSerializer,
    RecoveredSerializer,
)

BY_A_PERSON = "Disabled by {}."


class WebhookViewSet(ApiViewSet):
    """What belongs to a mode, and within it to endpoints that the key may know of."""

    resource = "webhooks"
    campaign_path = None

    def endpoints(self) -> QuerySet[Endpoint]:
        """A key of some campaigns knows only endpoints that hear of no others."""
        rows = self.visible(Endpoint.objects.filter(deleted_at=None))
        if not getattr(self, "swagger_fake_view", False) and self.key.campaign_ids:
            mine = self.key.campaign_ids
            rows = rows.filter(campaign_ids__contained_by=mine).exclude(campaign_ids=[])
        return rows


class EndpointViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WebhookViewSet):
    """Endpoints: destinations that want our messages."""

    prefix = "whe"
    serializer_class = EndpointSerializer
    inputs = {
        "create": EndpointInput,
        "partial_update": EndpointInput,
        "rotate_secret": None,
        "test": None,
        "enable": None,
        "disable": None,
        "recover": RecoverInput,
    }
    filterset_class = EndpointFilter
    parameters = {"deliveries": {"status", "message", "limit", "cursor", "ordering"}}

    def get_queryset(self) -> QuerySet[Endpoint]:
        return EndpointSerializer.prepare(self.endpoints())

    @extend_schema(responses={201: EndpointWithSecretSerializer})
    def create(self, request: Request) -> Response:
        """Add a destination. `secret` is in this answer and nowhere else."""
        fields = self._checked(self.validated(EndpointInput))
        fields.setdefault("campaign_ids", self.key.campaign_ids)
        endpoint, secret = services.create_endpoint(mode=self.key.mode, **fields)
        return self._with_secret(endpoint, secret, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, public_id: str) -> Response:
        endpoint = self.get_object()
        changes = self._checked(self.validated(EndpointInput, partial=True))
        return self._answer(services.change_endpoint(endpoint, **changes))

    def destroy(self, request: Request, public_id: str) -> Response:
        services.delete_endpoint(self.get_object(), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=EndpointWithSecretSerializer)
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, public_id: str) -> Response:
        """A new secret, shown this once. The old one signs as well for 24 hours."""
        endpoint = self.get_object()
        secret = services.rotate_secret(endpoint, now=timezone.now())
        return self._with_secret(endpoint, secret, status.HTTP_200_OK)

    @extend_schema(responses={201: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, public_id: str) -> Response:
        """Send it a `ping`; the answer is the delivery, to look it up by."""
        delivery = services.send_ping(self.get_object())
        return Response(DeliverySerializer(delivery).data, status.HTTP_201_CREATED)

    @action(detail=True, methods=["post"])
    def enable(self, request: Request, public_id: str) -> Response:
        return self._answer(services.enable_endpoint(self.get_object()))

    @action(detail=True, methods=["post"])
    def disable(self, request: Request, public_id: str) -> Response:
        reason = BY_A_PERSON.format(self.actor)
        return self._answer(services.disable_endpoint(self.get_object(), reason=reason))

    @extend_schema(responses=RecoveredSerializer)
    @action(detail=True, methods=["post"])
    def recover(self, request: Request, public_id: str) -> Response:
        """Send again all since a moment that never arrived; says how many those are."""
        endpoint = self.get_object()
        since = self.validated(RecoverInput)["since"]
        count = services.recover_endpoint(endpoint, since=since, now=timezone.now())
        return Response({"deliveries": count})

    @extend_schema(responses=DeliverySerializer(many=True))
    @action(detail=True, filterset_class=DeliveryFilter)
    def deliveries(self, request: Request, public_id: str) -> Response:
        """What was sent to it, and is about to be; the newest first."""
        rows = self.get_object().deliveries.all()
        page = self.paginate_queryset(self.filter_queryset(rows))
        shown = [DeliverySerializer(each).data for each in page or ()]
        return self.get_paginated_response(shown)

    def _checked(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Campaigns that exist, and that the key may know of."""
        if "campaign_ids" not in fields:
            return fields
        wanted = set(fields["campaign_ids"])
        if self.key.campaign_ids and not wanted:
            raise self._unknown("Name at least one: this API key is not for all.")
        rows = visible_to(self.key, Campaign.objects.filter(pk__in=wanted), path="")
        if rows.count() != len(wanted):
            raise self._unknown("There is no such campaign.")
        return fields | {"campaign_ids": sorted(wanted)}

    def _unknown(self, message: str) -> InvalidInput:
        return InvalidInput("/campaigns", message, "unknown")

    def _answer(self, endpoint: Endpoint) -> Response:
        return Response(EndpointSerializer(endpoint).data)

    def _with_secret(self, endpoint: Endpoint, secret: str, code: int) -> Response:
        data = {**EndpointSerializer(endpoint).data, "secret": secret}
        return SecretResponse(data, secret_fields=("secret",), status=code)


class DeliveryViewSet(WebhookViewSet):
    """Deliveries: one message each, on its way to one endpoint."""

    prefix = "dlv"
    serializer_class = DeliveryWithAttemptsSerializer
    inputs = {"retry": None}

    def get_queryset(self) -> QuerySet[Delivery]:
        return Delivery.objects.filter(endpoint__in=self.endpoints())

    def retrieve(self, request: Request, public_id: str) -> Response:
        """One delivery with its attempts, the first one first."""
        return self._answer(self.get_object())

    @action(detail=True, methods=["post"])
    def retry(self, request: Request, public_id: str) -> Response:
        """Try one that has failed for good once more, at once."""
        delivery = services.retry_delivery(self.get_object(), now=timezone.now())
        return self._answer(delivery)

    def _answer(self, delivery: Delivery) -> Response:
        return Response(DeliveryWithAttemptsSerializer(delivery).data)


class MessageViewSet(mixins.RetrieveModelMixin, WebhookViewSet):
    """Messages: the change feed, in the order of their positions."""

    prefix = "msg"
    serializer_class = MessageSerializer
    filterset_class = MessageFilter

    def get_queryset(self) -> QuerySet[Message]:
        rows = self.visible(Message.objects.all())
        return rows.filter(**self._of_my_campaigns())

    @extend_schema(
        parameters=[
            OpenApiParameter("cursor", exclude=True),
            OpenApiParameter("ordering", exclude=True),
        ]
    )
    def list(self, request: Request) -> Response:
        """The messages after a position, the oldest first; none is ever skipped.

        Keep the `position` of the last one, and come back with `?after=` it.
        """
        for name in ("cursor", "ordering"):
            if name in request.query_params:
                raise InvalidParameter(name, "The feed is read with `after`.")
        rows = self.filter_queryset(self.get_queryset())
        paginator: Any = self.paginator
        limit = paginator.get_page_size(request)
        ordered = rows.filter(position__isnull=False).order_by("position")
        page = list(ordered[: limit + 1])
        more = self._page_after(page[limit - 1]) if len(page) > limit else None
        shown = [MessageSerializer(each).data for each in page[:limit]]
        return Response({"results": shown, "next": more, "previous": None})

    def _page_after(self, message: Message) -> str:
        query = self.request.query_params.copy()
        query["after"] = str(message.position)
        return self.request.build_absolute_uri(f"?{query.urlencode()}")

    def _of_my_campaigns(self) -> dict[str, Collection[UUID]]:
        if getattr(self, "swagger_fake_view", False) or not self.key.campaign_ids:
            return {}
        return {"campaign_id__in": self.key.campaign_ids}


class MessageTypeSerializer(serializers.Serializer[dict[str, Any]]):
    name = serializers.CharField()
    sample = serializers.JSONField()


@extend_schema_serializer(many=False)
class CatalogueSerializer(serializers.Serializer[dict[str, Any]]):
    """All message types, on one page."""

    results = MessageTypeSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class MessageTypeViewSet(WebhookViewSet):
    """Message types: the catalogue of all that can be subscribed to."""

    scopes = {"list": None}
    serializer_class = MessageTypeSerializer
    pagination_class = None
    filterset_class = None

    def get_queryset(self) -> QuerySet[Message]:
        return Message.objects.none()

    @extend_schema(responses={200: CatalogueSerializer})
    def list(self, request: Request) -> Response:
        """Each type, with a sample of its data."""
        refuse_unknown(request, ())
        return Response({"results": described(), "next": None, "previous": None})
