"""Routes of the tests' own, to try the plumbing without the product around it."""

from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.urls import include, path
from django_filters import ChoiceFilter, FilterSet
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.access.api import KeyViewSet
from referral_factory.access.filters import IdFilter, MomentFilter
from referral_factory.access.idempotency import SecretResponse
from referral_factory.access.viewsets import ApiViewSet
from referral_factory.api.routers import Router
from referral_factory.errors import DomainError, InvalidInput
from referral_factory.wire import (
    CurrencyField,
    IdField,
    JsonObjectField,
    MomentField,
    MoneyField,
    StrictSerializer,
    TextField,
)
from referrals.models import Campaign


class Closed(DomainError):
    code = "closed"


class InnerSerializer(StrictSerializer):
    remark = TextField(20, required=False)


class ThingSerializer(StrictSerializer):
    name = TextField(200)
    notes = TextField(500, multiline=True, required=False)
    amount = MoneyField(required=False)
    currency = CurrencyField(required=False)
    at = MomentField(required=False)
    campaign = IdField("cmp", required=False)
    properties = JsonObjectField(required=False)
    inner = InnerSerializer(required=False)
    items = serializers.ListField(child=InnerSerializer(), required=False)


class ThingSummary(serializers.ModelSerializer[Campaign]):
    id = IdField("cmp")

    class Meta:
        model = Campaign
        fields = ("id", "name", "mode")


class ThingFilter(FilterSet):
    status = ChoiceFilter(choices=Campaign.Status)
    only = IdFilter(prefix="cmp", field_name="id")
    since = MomentFilter(field_name="created_at", lookup_expr="gte")


# "from" is a word of Python.
ThingFilter.base_filters["from"] = ThingFilter.base_filters.pop("since")


class ThingViewSet(ListModelMixin, RetrieveModelMixin, ApiViewSet):
    resource = "campaigns"
    prefix = "cmp"
    campaign_path = ""
    scopes = {"sign": "rewards:issue", "open": None}
    parameters = {"create": ("dry_run",)}
    serializer_class = ThingSummary
    filterset_class = ThingFilter

    def get_queryset(self) -> Any:
        return self.visible(Campaign.objects.order_by("-id"))

    def create(self, request: Request) -> Response:
        fields = self.validated(ThingSerializer)
        make_campaign(name=fields["name"], mode=self.key.mode)
        return Response({"name": fields["name"]}, status=status.HTTP_201_CREATED)

    @action(detail=False, methods=["post"])
    def sign(self, request: Request) -> Response:
        make_campaign(mode=self.key.mode)
        answer = {"id": 1, "secret": "whsec_1"}
        return SecretResponse(answer, secret_fields=("secret",), status=201)

    @action(detail=False, methods=["post"])
    def open(self, request: Request) -> Response:
        return Response({"got": self.validated(InnerSerializer)})

    @action(detail=False, methods=["post"])
    def close(self, request: Request) -> Response:
        """Refuse after having written something."""
        with transaction.atomic():
            make_campaign(mode=self.key.mode)
        raise Closed("It is closed.", since="yesterday", status="ignored")

    @action(detail=False, methods=["post"])
    def judge(self, request: Request) -> Response:
        raise InvalidInput("/campaign", "No such campaign.", code="unknown_campaign")

    @action(detail=False, methods=["post"])
    def query(self, request: Request) -> Response:
        """Run a statement, so that the database fails in its own words."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 20")
            cursor.execute(request.data["sql"])  # type: ignore[call-overload]
        return Response({})

    @action(detail=False, methods=["post"])
    def crash(self, request: Request) -> Response:
        raise RuntimeError("a bug")


def make_campaign(*, mode: str, name: str = "Thing") -> Campaign:
    return Campaign.objects.create(
        name=name, slug=uuid4().hex, mode=mode, currency="USD"
    )


router = Router()
router.register("things", ThingViewSet, "thing")
router.register("keys", KeyViewSet, "key")

urlpatterns = [
    path("api/v1/", include(router.urls)),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view()),
]
handler400 = "referral_factory.api.problems.bad_request"
handler403 = "referral_factory.api.problems.permission_denied"
handler404 = "referral_factory.api.problems.page_not_found"
handler500 = "referral_factory.api.problems.server_error"
