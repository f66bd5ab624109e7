"""Doors to campaigns, participants and referrals."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.access.viewsets import ApiViewSet
from referral_factory.wire import moment_as_text
from referrals import checklist
from referrals.filters import CampaignFilter, ParticipantFilter, ReferralFilter
from referrals.inputs import (
    CampaignInput,
    ClockInput,
    ParticipantInput,
    PersonInput,
    ReasonInput,
    ReferralInput,
)
from referrals.lookup import visible_campaign
from referrals.mailboxes import clean
from referrals.models import Campaign, Participant, Referral
from referrals.serializers import (
    CampaignSerializer,
    ChecklistSerializer,
    ClockSerializer,
    ParticipantSerializer,
    ReferralSerializer,
)
from referrals.services import campaigns, participants, referrals


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
    }
    filterset_class = CampaignFilter

    def get_queryset(self) -> QuerySet[Campaign]:
        return CampaignSerializer.prepare(self.visible(Campaign.objects.all()))

    def create(self, request: Request) -> Response:
        fields = self.validated(CampaignInput, mode=self.key.mode)
        campaign = campaigns.create_campaign(**{**fields, "mode": self.key.mode})
        return self._answer(campaign, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, public_id: str) -> Response:
        campaign = self.get_object()
        changes = self.validated(CampaignInput, partial=True, mode=self.key.mode)
        return self._answer(campaigns.change_campaign(campaign, **changes))

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
        campaigns.move_clock(campaign, to=to, wall=wall)
        settled = referrals.settle_campaign(campaign, wall=wall)
        return Response({"now": moment_as_text(to), **settled})

    def _answer(self, campaign: Campaign, code: int = status.HTTP_200_OK) -> Response:
        return Response(CampaignSerializer(campaign).data, code)


class ParticipantViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Participants: people in a campaign, as advocates, friends, or both."""

    resource = "participants"
    prefix = "ptc"
    serializer_class = ParticipantSerializer
    inputs = {
        "create": ParticipantInput,
        "partial_update": PersonInput,
        "block": None,
        "unblock": None,
    }
    filterset_class = ParticipantFilter

    def get_queryset(self) -> QuerySet[Participant]:
        return ParticipantSerializer.prepare(self.visible(Participant.objects.all()))

    @extend_schema(responses={200: ParticipantSerializer, 201: ParticipantSerializer})
    def create(self, request: Request) -> Response:
        """Enrol somebody, or update them: 201 when new, 200 when known."""
        given = self.validated(ParticipantInput)
        campaign = visible_campaign(self.key, given.pop("campaign"))
        who = participants.person(claim=given.pop("referred_by", None), **given)
        enrolled = participants.enrol_participant(campaign, who, wall=timezone.now())
        if enrolled.created and not enrolled.judged:
            (shown,) = ParticipantSerializer.prepare_newcomers([enrolled.participant])
            shown.credits = [enrolled.referral] if enrolled.referral else []
            return Response(ParticipantSerializer(shown).data, status.HTTP_201_CREATED)
        code = status.HTTP_201_CREATED if enrolled.created else status.HTTP_200_OK
        return self._answer(enrolled.participant, code)

    def partial_update(self, request: Request, public_id: str) -> Response:
        participant = self.get_object()
        changes = self.validated(PersonInput, partial=True)
        if "email" in changes:
            changes["email"] = clean(changes["email"])
        participants.change_participant(participant, changes, wall=timezone.now())
        return self._answer(participant)

    @action(detail=True, methods=["post"])
    def block(self, request: Request, public_id: str) -> Response:
        return self._answer(participants.block_participant(self.get_object()))

    @action(detail=True, methods=["post"])
    def unblock(self, request: Request, public_id: str) -> Response:
        return self._answer(participants.unblock_participant(self.get_object()))

    def _answer(
        self, participant: Participant, code: int = status.HTTP_200_OK
    ) -> Response:
        shown = self.get_queryset().get(pk=participant.pk)
        return Response(ParticipantSerializer(shown).data, code)


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

    @extend_schema(responses={200: ReferralSerializer, 201: ReferralSerializer})
    def create(self, request: Request) -> Response:
        """Credit an advocate with a friend, who is enrolled if need be."""
        given = self.validated(ReferralInput)
        campaign = visible_campaign(self.key, given["campaign"])
        who = participants.person(
            claim=given["referred_by"], pointer="/friend", **given["friend"]
        )
        enrolled = participants.enrol_participant(campaign, who, wall=timezone.now())
        created = enrolled.referral_created
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return self._answer(enrolled.referral, code)

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

    def _answer(self, referral: Any, code: int = status.HTTP_200_OK) -> Response:
        return Response(ReferralSerializer(referral).data, code)
