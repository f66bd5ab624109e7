"""Doors to participants."""

from functools import partial
from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.bulk_bodies import BulkJSONParser, NdjsonParser
from referrals.api.people import PersonViewSet
from referrals.bulk import Bulk, BulkSerializer
from referrals.filters import ParticipantFilter
from referrals.inputs import BulkRowInput, ParticipantInput
from referrals.lookup import campaign_of_query, visible_campaign
from referrals.reading import read_participant
from referrals.serializers import EnrolledSerializer, ParticipantSerializer
from referrals.services import participants


class ParticipantViewSet(mixins.ListModelMixin, PersonViewSet):
    """Participants: people in a campaign, as advocates, friends, or both."""

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
    def create(self, request: Request) -> Response:
        """Enrol somebody, or update them: 201 when new, 200 when known."""
        given = ParticipantInput.read(request.data)
        campaign = visible_campaign(self.key, given.pop("campaign"))
        who = participants.person(claims=given.pop("referred_by", ()), **given)
        enrolled = participants.enrol_participant(campaign, who, wall=timezone.now())
        if enrolled.created and not enrolled.judged:
            (shown,) = ParticipantSerializer.prepare_newcomers([enrolled.participant])
            shown.credits = [enrolled.referral] if enrolled.referral else []
            answer = EnrolledSerializer.of(shown, enrolled.refused)
            return Response(answer, status.HTTP_201_CREATED)
        code = status.HTTP_201_CREATED if enrolled.created else status.HTTP_200_OK
        shown = self.get_queryset().get(pk=enrolled.participant.pk)
        return Response(EnrolledSerializer.of(shown, enrolled.refused), code)

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
