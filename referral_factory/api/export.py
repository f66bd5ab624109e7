"""Everything that we keep about one person, in one document."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from referral_factory.access.viewsets import ApiViewSet
from referral_factory.mail.models import Email
from referral_factory.wire import (
    IdField,
    MomentField,
    MoneyField,
    as_json,
    moment_as_text,
)
from referrals.models import Click, Participant, Referral
from referrals.serializers import (
    EventSerializer,
    InvitationSerializer,
    ParticipantSerializer,
    ReferralSerializer,
    RefusedClaimSerializer,
)
from rewards.models import Reward

AT_ONCE = 500  # rows in memory, however many there are


class ExportedPersonSerializer(ParticipantSerializer):
    """A participant, with what is kept of them and shown nowhere else."""

    address = serializers.CharField()
    user_agent = serializers.CharField()
    confirmed_at = MomentField()
    erased_at = MomentField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        own = ("address", "user_agent", "confirmed_at", "erased_at")
        kept = {name: getattr(instance, name) for name in own}
        return {**ParticipantSerializer(instance).data, **kept}


class ExportedReferralSerializer(ReferralSerializer):
    """A referral, with what the visit that led to it left behind."""

    click_address = serializers.CharField()
    click_user_agent = serializers.CharField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        own = ("click_address", "click_user_agent")
        kept = {name: getattr(instance, name) for name in own}
        return {**super().to_representation(instance), **kept}


class ExportedClickSerializer(serializers.Serializer[Click]):
    id = IdField("clk")
    advocate = IdField("ptc", source="participant_id")
    address = serializers.CharField()
    user_agent = serializers.CharField()
    parameters = serializers.JSONField()
    created_at = MomentField()


class ExportedReasonSerializer(serializers.Serializer[Any]):
    """Why a reward was looked at. What was seen may be about the other side, too."""

    code = serializers.CharField()
    detail = serializers.CharField()


class ExportedRewardSerializer(serializers.Serializer[Reward]):
    id = IdField("rwd")
    referral = IdField("ref", source="referral_id")
    side = serializers.CharField()
    kind = serializers.CharField()
    amount = MoneyField()
    currency = serializers.CharField()
    status = serializers.CharField()
    reasons = ExportedReasonSerializer(many=True)
    decided_at = MomentField()
    decision_note = serializers.CharField()
    reference = serializers.CharField()
    issued_at = MomentField()
    created_at = MomentField()


class ExportedConsentSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(source="text.version")
    text = serializers.CharField(source="text.text")
    given_at = MomentField()
    address = serializers.CharField()


class ExportedCodeSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    works = serializers.BooleanField()
    retired_at = MomentField()


class ExportedEmailSerializer(serializers.Serializer[Email]):
    kind = serializers.CharField()
    status = serializers.CharField()
    created_at = MomentField()
    finished_at = MomentField()


class ExportSerializer(serializers.Serializer[Any]):
    """Everything that is kept about one person."""

    exported_at = MomentField()
    participant = ExportedPersonSerializer()
    former_codes = ExportedCodeSerializer(many=True)
    consents = ExportedConsentSerializer(many=True)
    referred_by = ExportedReferralSerializer(many=True)
    clicks = ExportedClickSerializer(many=True)
    refused_claims = RefusedClaimSerializer(many=True)
    invitations = InvitationSerializer(many=True)
    referrals = ReferralSerializer(many=True)
    events = EventSerializer(many=True)
    rewards = ExportedRewardSerializer(many=True)
    emails = ExportedEmailSerializer(many=True)


class Part(NamedTuple):
    """A list in the document."""

    name: str
    rows: QuerySet[Any]
    serializer: type[serializers.BaseSerializer[Any]]


class ExportViewSet(ApiViewSet):
    """What is kept about one participant, for themselves to read."""

    resource = "participants"
    prefix = "ptc"

    def get_queryset(self) -> QuerySet[Participant]:
        return ParticipantSerializer.prepare(self.visible(Participant.objects.all()))

    @extend_schema(responses=ExportSerializer)
    @action(detail=True)
    def export(self, request: Request, public_id: str) -> StreamingHttpResponse:
        """Everything keyed to this person, as one file.

        Others are in it by their ids only. It is written while it is read, so that the
        file of somebody with a hundred thousand friends takes no more memory.
        """
        return download(self.get_object())


def export_for_staff(request: HttpRequest, key: UUID) -> StreamingHttpResponse:
    """The same file, for a member of staff; the log says that they took it."""
    if not request.user.has_perm("referrals.view_participant"):
        raise PermissionDenied
    people = ParticipantSerializer.prepare(Participant.objects.all())
    participant = get_object_or_404(people, pk=key)
    pages = admin.site.get_model_admin(Participant)
    pages.log_change(request, participant, "Export.")
    return download(participant)


def download(participant: Participant) -> StreamingHttpResponse:
    response = StreamingHttpResponse(
        document(participant), content_type="application/json"
    )
    name = f"{participant.public_id}.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def document(participant: Participant) -> Iterator[bytes]:
    """The JSON text, piece by piece."""
    head = {
        "exported_at": moment_as_text(timezone.now()),
        "participant": ExportedPersonSerializer(participant).data,
    }
    yield as_json(head)[:-1]  # what follows is inside of it
    for part in parts(participant):
        yield f',"{part.name}":['.encode()
        shown = part.serializer()  # one for all rows: making one is slow
        rows = part.rows.iterator(chunk_size=AT_ONCE)
        for number, row in enumerate(rows):
            yield (b"," if number else b"") + as_json(shown.to_representation(row))
        yield b"]"
    yield b"}"


def parts(participant: Participant) -> list[Part]:
    """A query each, however much there is."""
    credited = Referral.objects.filter(friend=participant)
    clicks = Click.objects.filter(pk__in=credited.values("click_id"))
    consents = participant.consents.select_related("text").order_by("given_at")
    former = participant.former_codes.order_by("retired_at")
    emails = Email.objects.filter(participant=participant)
    return [
        Part("former_codes", former, ExportedCodeSerializer),
        Part("consents", consents, ExportedConsentSerializer),
        Part("referred_by", credited, ExportedReferralSerializer),
        Part("clicks", clicks, ExportedClickSerializer),
        Part(
            "refused_claims",
            _oldest(participant.refused_claims),
            RefusedClaimSerializer,
        ),
        Part("invitations", _oldest(participant.invitations), InvitationSerializer),
        Part("referrals", _oldest(participant.referrals), ReferralSerializer),
        Part("events", _oldest(participant.events), EventSerializer),
        Part(
            "rewards",
            _oldest(Reward.objects.filter(recipient=participant)),
            ExportedRewardSerializer,
        ),
        Part("emails", _oldest(emails), ExportedEmailSerializer),
    ]


def _oldest(rows: Any) -> QuerySet[Any]:
    """Oldest first."""
    ordered: QuerySet[Any] = rows.order_by("id")
    return ordered
