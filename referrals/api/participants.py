"""Doors to participants."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.access.groups import Asked, GroupedWrites
from referral_factory.access.idempotency import Answer, call_of
from referral_factory.access.models import ApiKey
from referral_factory.bulk_bodies import BulkJSONParser, NdjsonParser
from referrals.api.people import PersonViewSet
from referrals.bulk import Bulk, BulkSerializer
from referrals.filters import ParticipantFilter
from referrals.inputs import BulkRowInput, ParticipantInput
from referrals.lookup import campaign_of_query, visible_campaign
from referrals.models import Campaign, Participant
from referrals.reading import read_participant
from referrals.serializers import EnrolledSerializer, ParticipantSerializer
from referrals.services import participants
from referrals.services.participants import Enrolment, Person, Refusal


def _read(key: ApiKey, body: Any) -> Asked[tuple[Campaign, Person]]:
    given = ParticipantInput.read(body)
    campaign = visible_campaign(key, given.pop("campaign"))
    who = participants.person(claims=given.pop("referred_by", ()), **given)
    return Asked((campaign, who), campaign.pk, frozenset(who.names))


def _enrol(asked: Sequence[tuple[Campaign, Person]]) -> list[Answer]:
    campaign, _ = asked[-1]  # as it was found last
    people = [who for _, who in asked]
    found = participants.enrol_people(campaign, people, wall=timezone.now())
    shown = _shown([each for each in found if isinstance(each, Enrolment)])
    return [
        each.error if isinstance(each, Refusal) else _answer(each, shown)
        for each in found
    ]


def _shown(enrolled: Sequence[Enrolment]) -> dict[UUID, Any]:
    """The people as they are now; newcomers as they were when we wrote them."""
    fresh = [each for each in enrolled if each.created and not each.judged]
    newcomers: list[Any] = [each.participant for each in fresh]
    shown = {row.pk: row for row in ParticipantSerializer.prepare_newcomers(newcomers)}
    for each in fresh:
        shown[each.participant.pk].credits = [each.referral] if each.referral else []
    known = {each.participant.pk for each in enrolled} - shown.keys()
    if known:
        rows = Participant.objects.filter(pk__in=known)
        shown |= {row.pk: row for row in ParticipantSerializer.prepare(rows)}
    return shown


def _answer(enrolled: Enrolment, shown: Mapping[UUID, Any]) -> Response:
    person = shown[enrolled.participant.pk]
    code = status.HTTP_201_CREATED if enrolled.created else status.HTTP_200_OK
    return Response(EnrolledSerializer.of(person, enrolled.refused), code)


ENROLMENTS = GroupedWrites(_read, _enrol)


class ParticipantViewSet(mixins.ListModelMixin, PersonViewSet):
    """Participants: people in a campaign, as advocates, friends, or both."""

    grouped = ("create",)
    inputs = {**PersonViewSet.inputs, "create": ParticipantInput, "bulk": BulkRowInput}
    parameters = {"bulk": ("campaign",)}
    filterset_class = ParticipantFilter

    @extend_schema(responses=ParticipantSerializer)
    def retrieve(self, request: Request, public_id: str) -> Response:
        shown = read_participant(
            self.named_key(), mode=self.key.mode, campaign_ids=self.key.campaign_ids
        )
        if shown is None:
            raise Http404
        return Response(shown)

    @extend_schema(responses={200: EnrolledSerializer, 201: EnrolledSerializer})
    def create(self, request: Request) -> HttpResponse:
        """Enrol somebody, or update them: 201 when new, 200 when known."""
        return ENROLMENTS.answer(self.key, request.data, call_of(request))

    @extend_schema(
        request={
            parser.media_type: BulkRowInput(many=True)
            for parser in (BulkJSONParser, NdjsonParser)
        },
        responses={200: BulkSerializer},
        parameters=[OpenApiParameter("campaign", str)],
        filters=False,
    )
    @action(
        detail=False,
        methods=["post"],
        parser_classes=[BulkJSONParser, NdjsonParser],
        pagination_class=None,
    )
    def bulk(self, request: Request) -> Response:
        """Enrol or update up to 10,000 people, a row each: good rows are kept.

        An array, or a row on each line (NDJSON). `campaign` in the query is that of all
        rows that name none. The answer has a result for each row, by its number.
        """
        default = request.query_params.get("campaign")
        find = partial(visible_campaign, self.key)
        rows = Bulk(find, campaign_of_query(self.key, default) if default else None)
        given: Any = request.data  # a list: see the parsers
        return Response(rows.enrol(given, wall=timezone.now()))
