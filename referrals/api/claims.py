"""Doors to what is said about who referred whom, beside the referrals."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.access.viewsets import ApiViewSet
from referrals.filters import RefusedClaimFilter
from referrals.inputs import InvitationsInput
from referrals.models import Invitation, Participant, RefusedClaim
from referrals.serializers import (
    InvitationSerializer,
    InvitedSerializer,
    RefusedClaimSerializer,
)
from referrals.services.inviting import invite_friends


class InvitationViewSet(mixins.ListModelMixin, ApiViewSet):
    """Whom one participant invited: mailboxes of friends to come."""

    resource = "participants"
    prefix = "ptc"  # of whoever invites, who is in the path
    serializer_class = InvitationSerializer
    inputs = {"create": InvitationsInput}

    def get_queryset(self) -> QuerySet[Invitation]:
        rows = self.visible(Invitation.objects.all())
        if getattr(self, "swagger_fake_view", False):
            return rows
        return rows.filter(advocate=self.advocate())

    @extend_schema(responses={200: InvitedSerializer})
    def create(self, request: Request, public_id: str) -> Response:
        """Name up to 1,000 mailboxes. Whoever enrols with one was referred by them.

        One result per address, in order; good addresses are kept.
        """
        advocate = self.advocate()
        emails = self.validated(InvitationsInput)["emails"]
        results = invite_friends(advocate, emails, wall=timezone.now())
        return Response(InvitedSerializer({"results": results}).data)

    def advocate(self) -> Participant:
        people = self.visible(Participant.objects.select_related("campaign"))
        return get_object_or_404(people, pk=self.named_key())


class RefusedClaimViewSet(mixins.ListModelMixin, ApiViewSet):
    """Claims that were not credited, and why: watch your attribution here."""

    resource = "referrals"
    serializer_class = RefusedClaimSerializer
    filterset_class = RefusedClaimFilter

    def get_queryset(self) -> QuerySet[RefusedClaim]:
        return self.visible(RefusedClaim.objects.all())
