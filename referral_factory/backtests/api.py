"""Doors to backtests."""

from collections.abc import Sequence

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.access.filters import ChoiceFilter, IdFilter
from referral_factory.access.viewsets import ApiViewSet
from referral_factory.backtests import services
from referral_factory.backtests.inputs import BacktestInput
from referral_factory.backtests.models import Backtest
from referral_factory.backtests.rules import reward_terms, tried_rules
from referral_factory.backtests.serializers import (
    BacktestChangeSerializer,
    BacktestSerializer,
)
from referrals.models import Campaign


class BacktestFilter(filters.FilterSet):
    campaign = IdFilter(prefix="cmp", field_name="campaign_id")
    status = ChoiceFilter(choices=Backtest.Status.choices)

    class Meta:
        model = Backtest
        fields: list[str] = []


class CampaignBacktestViewSet(ApiViewSet):
    """Other rules, tried on a campaign's past."""

    resource = "campaigns"
    prefix = "cmp"
    campaign_path = ""
    inputs = {"create": BacktestInput}
    lookup_url_kwarg = "campaign_id"
    serializer_class = BacktestSerializer

    def get_queryset(self) -> QuerySet[Campaign]:
        return self.visible(Campaign.objects.all())

    @extend_schema(
        request=BacktestInput,
        responses={201: BacktestSerializer, 202: BacktestSerializer},
    )
    def create(self, request: Request, campaign_id: str) -> Response:
        """Try other rules on the past; nothing is decided anew.

        201 with the result, or 202 where it takes longer: then GET the backtest.
        """
        campaign = self.get_object()
        given = self.validated(BacktestInput, partial=True, mode=self.key.mode)
        rewards = reward_terms(campaign, given.get("reward_rules"))
        backtest = services.start_backtest(
            campaign,
            tried=tried_rules(campaign, given, rewards),
            begins_at=given.get("from"),
            ends_at=given.get("to"),
            by=self.actor,
        )
        running = backtest.status == Backtest.Status.RUNNING
        code = status.HTTP_202_ACCEPTED if running else status.HTTP_201_CREATED
        return Response(BacktestSerializer(backtest).data, code)


class BacktestViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Backtests: what would have become of referrals by other rules."""

    resource = "campaigns"
    scopes = {"changes": "referrals:read"}
    prefix = "bkt"
    serializer_class = BacktestSerializer
    inputs = {"cancel": None}
    filterset_class = BacktestFilter
    parameters = {"changes": ("limit", "cursor")}

    def get_queryset(self) -> QuerySet[Backtest]:
        return self.visible(Backtest.objects.all())

    @extend_schema(responses=BacktestSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, public_id: str) -> Response:
        """Stop. What it found so far stays."""
        backtest = services.cancel_backtest(self.get_object(), wall=timezone.now())
        return Response(BacktestSerializer(backtest).data)

    @extend_schema(responses={200: BacktestChangeSerializer(many=True)}, filters=False)
    @action(detail=True)
    def changes(self, request: Request, public_id: str) -> Response:
        """The referrals that change, and why, in the order in which they were made."""
        self.orderings: Sequence[str] = ("id",)
        page = self.paginate_queryset(self.get_object().changes.all())
        shown = [BacktestChangeSerializer(each).data for each in page or ()]
        return self.get_paginated_response(shown)
