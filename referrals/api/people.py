"""Doors to what happens to one person after they were enrolled."""

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.access.idempotency import SecretResponse
from referral_factory.access.viewsets import ApiViewSet
from referral_factory.errors import InvalidInput
from referrals.joining import portal_url
from referrals.models import Participant
from referrals.person_inputs import CodeInput, MergeInput, PersonPatch
from referrals.serializers import ParticipantSerializer, PortalLinkSerializer
from referrals.services import changing, codes, erasing, merging, participants


class PersonViewSet(ApiViewSet):
    """One participant: changed, blocked, and so on."""

    resource = "participants"
    prefix = "ptc"
    serializer_class = ParticipantSerializer
    inputs = {
        "partial_update": PersonPatch,
        "block": None,
        "unblock": None,
        "rotate_code": CodeInput,
        "merge": MergeInput,
        "portal_link": None,
    }

    def get_queryset(self) -> QuerySet[Participant]:
        return ParticipantSerializer.prepare(self.visible(Participant.objects.all()))

    def partial_update(self, request: Request, public_id: str) -> Response:
        """Change what is given; null takes a value away, attributes are merged."""
        participant = self.get_object()
        patch = self.validated(PersonPatch)
        changing.patch_participant(participant, patch, wall=timezone.now())
        return self._answer(participant)

    @extend_schema(responses=ParticipantSerializer)
    def destroy(self, request: Request, public_id: str) -> Response:
        """Erase the person, for ever, and keep the books: the answer is what is left.

        Erasing somebody again changes nothing.
        """
        participant = self.get_object()
        erasing.erase_participant(participant, wall=timezone.now())
        return self._answer(participant)

    @action(detail=True, methods=["post"])
    def block(self, request: Request, public_id: str) -> Response:
        return self._answer(participants.block_participant(self.get_object()))

    @action(detail=True, methods=["post"])
    def unblock(self, request: Request, public_id: str) -> Response:
        return self._answer(participants.unblock_participant(self.get_object()))

    @action(detail=True, methods=["post"], url_path="rotate-code")
    def rotate_code(self, request: Request, public_id: str) -> Response:
        """A new code, random or chosen. What becomes of the old one: `keep_old`."""
        given, participant = self.validated(CodeInput), self.get_object()
        codes.rotate_code(participant, wall=timezone.now(), **given)
        return self._answer(participant)

    @extend_schema(responses=PortalLinkSerializer)
    @action(detail=True, methods=["post"], url_path="portal-link")
    def portal_link(self, request: Request, public_id: str) -> Response:
        """The address of their own page. Whoever has it sees what they see."""
        url = portal_url(self.get_object())
        return SecretResponse({"url": url}, secret_fields=("url",))

    @action(detail=True, methods=["post"])
    def merge(self, request: Request, public_id: str) -> Response:
        """Somebody else turns out to be this person: theirs becomes this one's.

        Merging the same two again changes nothing.
        """
        kept, named = self.get_object(), self.validated(MergeInput)["participant"]
        others = self.visible(Participant.objects.filter(campaign=kept.campaign_id))
        other = others.filter(pk=named).first()
        if other is None:
            message = "There is no such participant in this campaign."
            raise InvalidInput("/participant", message, "unknown")
        merging.merge_participants(kept, other, by=self.actor, wall=timezone.now())
        return self._answer(kept)

    def _answer(
        self, participant: Participant, code: int = status.HTTP_200_OK
    ) -> Response:
        shown = self.get_queryset().get(pk=participant.pk)
        return Response(ParticipantSerializer(shown).data, code)
