"""Events with what they brought about: a door that needs more than one app."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.access.groups import Asked, GroupedWrites
from referral_factory.access.idempotency import Answer, WhatIf, call_of
from referral_factory.access.models import ApiKey
from referral_factory.access.parameters import yes_or_no
from referral_factory.access.viewsets import ApiViewSet
from referral_factory.api.event_answers import (
    EventResultsSerializer,
    RecordedEventSerializer,
    answers,
    dry_answer,
)
from referral_factory.api.event_bulk import BulkEvents
from referral_factory.bulk_bodies import BulkJSONParser, NdjsonParser
from referrals.filters import EventFilter
from referrals.inputs import EventInput
from referrals.lookup import campaign_of_query, only_campaign_of, visible_campaign
from referrals.models import Campaign, Event
from referrals.serializers import EventSerializer
from referrals.services.events import Recorded, Refusal, Report, record_events
from webhooks import outbox

DRY_RUN = OpenApiParameter(
    "dry_run", bool, description="Decide, and write nothing: what would happen."
)


def _read(key: ApiKey, body: Any) -> Asked[tuple[Campaign, Report]]:
    given = EventInput.read(body)
    pk, named = given.pop("campaign", None), given["participant"]
    campaign = visible_campaign(key, pk) if pk else only_campaign_of(key, named)
    report = Report(**given)
    names = {
        f"event:{report.event_id}",
        "person:{}:{}".format(*next(iter(named.items()))),
    }
    return Asked((campaign, report), campaign.pk, frozenset(names))


def _record(asked: Sequence[tuple[Campaign, Report]]) -> list[Answer]:
    campaign, _ = asked[-1]  # as it was found last
    reports = [report for _, report in asked]
    with outbox.together():
        found = record_events(campaign, reports, wall=timezone.now())
    answered = iter(answers([each for each in found if isinstance(each, Recorded)]))
    return [
        each.error if isinstance(each, Refusal) else _answer(each, next(answered))
        for each in found
    ]


def _answer(recorded: Recorded, shown: dict[str, Any]) -> Response:
    code = status.HTTP_200_OK if recorded.repeated else status.HTTP_201_CREATED
    return Response(shown, code)


REPORTS = GroupedWrites(_read, _record)


class EventViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Events: what your system reports about people. One may qualify a referral."""

    resource = "events"
    prefix = "evt"
    serializer_class = EventSerializer
    grouped = ("create",)
    inputs = {"create": EventInput, "bulk": EventInput}
    parameters = {"create": ("dry_run",), "bulk": ("campaign", "dry_run")}
    filterset_class = EventFilter

    def get_queryset(self) -> QuerySet[Event]:
        return EventSerializer.prepare(self.visible(Event.objects.all()))

    @extend_schema(
        responses={200: RecordedEventSerializer, 201: RecordedEventSerializer},
        parameters=[DRY_RUN],
    )
    def create(self, request: Request) -> HttpResponse:
        """Report an event; the answer says what it brought about, and why.

        201 the first time, 200 with the outcome `duplicate` when it is repeated. A dry
        run is a 200.
        """
        call = call_of(request)
        if yes_or_no(request, "dry_run"):
            asked = REPORTS.read(self.key, request.data)
            return WhatIf(dry_answer(*asked.question, wall=timezone.now()))
        return REPORTS.answer(self.key, request.data, call)

    @extend_schema(
        request={
            parser.media_type: EventInput(many=True)
            for parser in (BulkJSONParser, NdjsonParser)
        },
        responses={200: EventResultsSerializer},
        parameters=[OpenApiParameter("campaign", str), DRY_RUN],
        filters=False,
    )
    @action(
        detail=False,
        methods=["post"],
        parser_classes=[BulkJSONParser, NdjsonParser],
        pagination_class=None,
    )
    def bulk(self, request: Request) -> Response:
        """Report up to 10,000 events, a row each: good rows are kept.

        An array, or a row on each line (NDJSON). `campaign` in the query is that of all
        rows that name none. They are judged in their order; the answer has a result for
        each, by its number.
        """
        default = request.query_params.get("campaign")
        rows = BulkEvents(
            partial(visible_campaign, self.key),
            campaign_of_query(self.key, default) if default else None,
            dry_run=yes_or_no(request, "dry_run"),
        )
        given: Any = request.data  # a list: see the parsers
        kind = WhatIf if rows.dry_run else Response
        return kind(rows.report(given, wall=timezone.now()))
