"""Doors to participants."""

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.access.viewsets import ApiViewSet
from referrals.filters import ParticipantFilter
from referrals.inputs import ParticipantInput, PersonInput
from referrals.lookup import visible_campaign
from referrals.mailboxes import clean
from referrals.models import Participant
from referrals.serializers import ParticipantSerializer
from referrals.services import participants


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
