"""Doors to campaigns."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.access.viewsets import ApiViewSet, visible_to
from referral_factory.wire import moment_as_text
from referrals import checklist
from referrals.filters import CampaignFilter
from referrals.inputs import CampaignInput, ClockInput, CopyInput
from referrals.models import Campaign, MilestoneVersion
from referrals.serializers import (
    CampaignSerializer,
    ChecklistSerializer,
    ClockSerializer,
    VersionSerializer,
)
from referrals.services import campaigns
from referrals.services.clock import advance_clock
from referrals.services.copying import copy_campaign


class CampaignViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Campaigns: offers that people can share."""

    resource = "campaigns"
    prefix = "cmp"
    campaign_path = ""
    serializer_class = CampaignSerializer
    inputs = {
        "create": CampaignInput,
        "partial_update": CampaignInput,
        "launch": None,
        "pause": None,
        "resume": None,
        "end": None,
        "clock": ClockInput,
        "copy": CopyInput,
    }
    filterset_class = CampaignFilter

    def get_queryset(self) -> QuerySet[Campaign]:
        return CampaignSerializer.prepare(self.visible(Campaign.objects.all()))

    def create(self, request: Request) -> Response:
        fields = self.validated(CampaignInput, mode=self.key.mode)
        fields |= {"mode": self.key.mode, "by": self.actor}
        campaign = campaigns.create_campaign(**fields)
        return self._answer(campaign, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, public_id: str) -> Response:
        campaign = self.get_object()
        changes = self.validated(CampaignInput, partial=True, mode=self.key.mode)
        changed = campaigns.change_campaign(campaign, by=self.actor, **changes)
        return self._answer(changed)

    @action(detail=True, methods=["post"])
    def launch(self, request: Request, public_id: str) -> Response:
        campaign = self.get_object()
        return self._answer(campaigns.launch_campaign(campaign, wall=timezone.now()))

    @action(detail=True, methods=["post"])
    def pause(self, request: Request, public_id: str) -> Response:
        return self._answer(campaigns.pause_campaign(self.get_object()))

    @action(detail=True, methods=["post"])
    def resume(self, request: Request, public_id: str) -> Response:
        return self._answer(campaigns.resume_campaign(self.get_object()))

    @action(detail=True, methods=["post"])
    def end(self, request: Request, public_id: str) -> Response:
        campaign = self.get_object()
        return self._answer(campaigns.end_campaign(campaign, wall=timezone.now()))

    @action(detail=True, methods=["post"])
    def copy(self, request: Request, public_id: str) -> Response:
        """Copy a tested campaign into a live draft: rules, reward rules, fields, pages.

        So do its sources, without their secrets: rotate those of the copy.
        The copy is of the other mode than this key, which sees it in this answer only.
        """
        campaign = self.get_object()
        given = self.validated(CopyInput)
        made = copy_campaign(campaign, by=self.actor, **given)
        return self._answer(made, status.HTTP_201_CREATED)

    @extend_schema(responses=ChecklistSerializer, filters=False)
    @action(detail=True)
    def checklist(self, request: Request, public_id: str) -> Response:
        """What still stands between this campaign and its launch."""
        items = checklist.items(self.get_object())
        return Response(
            {
                "ready": all(item.done for item in items),
                "items": [
                    {"name": item.name, "done": item.done, "detail": item.detail}
                    for item in items
                ],
            }
        )

    @extend_schema(responses=ClockSerializer)
    @action(detail=True, methods=["post"])
    def clock(self, request: Request, public_id: str) -> Response:
        """Set a test campaign's clock; what is due by then happens in this call."""
        campaign, wall = self.get_object(), timezone.now()
        to = self.validated(ClockInput)["now"]
        settled = advance_clock(campaign, to=to, wall=wall)
        return Response({"now": moment_as_text(to), **settled})

    def _answer(self, campaign: Campaign, code: int = status.HTTP_200_OK) -> Response:
        return Response(CampaignSerializer(campaign).data, code)


class VersionViewSet(mixins.ListModelMixin, ApiViewSet):
    """The rules of one campaign from their first version on, the newest first."""

    resource = "campaigns"
    prefix = "cmp"  # of the campaign, which is in the path
    serializer_class = VersionSerializer
    orderings = ("-version", "version")

    def get_queryset(self) -> QuerySet[MilestoneVersion]:
        rows = VersionSerializer.prepare(self.visible(MilestoneVersion.objects.all()))
        if getattr(self, "swagger_fake_view", False):
            return rows
        return rows.filter(campaign=self.campaign())

    def campaign(self) -> Campaign:
        rows = visible_to(self.key, Campaign.objects.all(), path="")
        return get_object_or_404(rows, pk=self.named_key())
