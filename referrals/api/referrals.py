"""Doors to referrals."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.access.viewsets import ApiViewSet
from referrals.filters import ReferralFilter
from referrals.inputs import ReasonInput, ReferralInput
from referrals.lookup import visible_campaign
from referrals.models import Referral
from referrals.serializers import MadeReferralSerializer, ReferralSerializer
from referrals.services import participants, referrals
from referrals.services.referring import refusal_of
from referrals.timeline_serializers import TimelineSerializer
from referrals.timelines import timeline_of


class ReferralViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Referrals: one friend each, credited to one advocate."""

    resource = "referrals"
    prefix = "ref"
    serializer_class = ReferralSerializer
    inputs = {
        "create": ReferralInput,
        "qualify": ReasonInput,
        "disqualify": ReasonInput,
        "reopen": ReasonInput,
    }
    filterset_class = ReferralFilter

    def get_queryset(self) -> QuerySet[Referral]:
        return ReferralSerializer.prepare(self.visible(Referral.objects.all()))

    @extend_schema(responses={200: MadeReferralSerializer, 201: MadeReferralSerializer})
    def create(self, request: Request) -> Response:
        """Credit an advocate with a friend, who is enrolled if need be."""
        given = self.validated(ReferralInput)
        campaign = visible_campaign(self.key, given["campaign"])
        who = participants.person(
            claims=given["referred_by"], pointer="/friend", **given["friend"]
        )
        enrolled = participants.enrol_participant(campaign, who, wall=timezone.now())
        if enrolled.referral is None:
            # Answered, not raised: what was learnt of the friend is kept.
            return self.handle_exception(refusal_of(enrolled.refused))
        created = enrolled.referral_created
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return Response(MadeReferralSerializer.of(enrolled), code)

    @action(detail=True, methods=["post"])
    def qualify(self, request: Request, public_id: str) -> Response:
        """Make it count, by hand, for a reason."""
        referral = self.get_object()
        reason = self.validated(ReasonInput)["reason"]
        now = referral.campaign.now()
        referrals.qualify_referral(referral, now=now, reason=reason, by=self.actor)
        return self._answer(referral)

    @action(detail=True, methods=["post"])
    def disqualify(self, request: Request, public_id: str) -> Response:
        """Make it not count, for a reason. Its rewards are cancelled."""
        referral = self.get_object()
        reason = self.validated(ReasonInput)["reason"]
        now = referral.campaign.now()
        referrals.disqualify_referral(referral, now=now, reason=reason, by=self.actor)
        return self._answer(referral)

    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, public_id: str) -> Response:
        """Take a disqualification back, for a reason."""
        referral = self.get_object()
        reason = self.validated(ReasonInput)["reason"]
        wall = timezone.now()
        referrals.reconsider_referral(referral, by=self.actor, wall=wall, reason=reason)
        return self._answer(referral)

    @extend_schema(responses=TimelineSerializer, filters=False)
    @action(detail=True)
    def timeline(self, request: Request, public_id: str) -> Response:
        """What happened, from the beginning: when, what, why, and who decided.

        As it was stored then: later changes of the rules change nothing of it.
        """
        told = timeline_of(self.get_object())
        return Response(TimelineSerializer(told).data)

    def _answer(self, referral: Any, code: int = status.HTTP_200_OK) -> Response:
        return Response(ReferralSerializer(referral).data, code)
