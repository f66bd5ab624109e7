"""Doors to what happens to one person after they were enrolled."""

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.access.viewsets import ApiViewSet
from referrals.inputs import PersonInput
from referrals.mailboxes import clean
from referrals.models import Participant
from referrals.serializers import ParticipantSerializer
from referrals.services import participants


class PersonViewSet(ApiViewSet):
    """One participant: changed, blocked, and so on."""

    resource = "participants"
    prefix = "ptc"
    serializer_class = ParticipantSerializer
    inputs = {
        "partial_update": PersonInput,
        "block": None,
        "unblock": None,
    }

    def get_queryset(self) -> QuerySet[Participant]:
        return ParticipantSerializer.prepare(self.visible(Participant.objects.all()))

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
