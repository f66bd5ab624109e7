"""Reports over the API: the numbers of the dashboard."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from referral_factory.access.parameters import InvalidParameter
from referral_factory.access.viewsets import ApiViewSet
from referral_factory.reporting import reports, tables
from referral_factory.reporting.definitions import SERIES
from referral_factory.reporting.questions import Question, ask
from referral_factory.reporting.renderers import CsvRenderer
from referral_factory.reporting.reports import Point, Summary, Timeseries
from referral_factory.reporting.serializers import (
    SummarySerializer,
    TimeseriesSerializer,
)
from referrals.models import Campaign

COMMON = ("campaign", "from", "to", "tz", "compare")


def _parameter(name: str, description: str, **kwargs: Any) -> OpenApiParameter:
    return OpenApiParameter(name, description=description, **kwargs)


def _answers(serializer: type[BaseSerializer[Any]]) -> dict[Any, Any]:
    return {(200, "application/json"): serializer, (200, "text/csv"): OpenApiTypes.STR}


DOCUMENTED = [
    _parameter("campaign", "One campaign. Left out: all that the key may see."),
    _parameter(
        "from",
        "The first day. Left out: 30 days with the last.",
        type=OpenApiTypes.DATE,
    ),
    _parameter(
        "to",
        "The last day, included. Left out: today, by the campaign's clock.",
        type=OpenApiTypes.DATE,
    ),
    _parameter("tz", "The time zone that days begin and end in.", default="UTC"),
    _parameter(
        "compare", "`previous`: as many days before as well.", enum=["previous"]
    ),
]
INTERVAL = _parameter(
    "interval",
    "Left out: days up to 92 days, weeks up to two years, then months.",
    enum=["day", "week", "month"],
)


class ReportViewSet(ApiViewSet):
    """Reports: what came of it all, in numbers. As CSV with `Accept: text/csv`."""

    resource = "reports"
    campaign_path = ""  # the rows are the campaigns that are reported on
    renderer_classes = [JSONRenderer, CsvRenderer]
    filter_backends = []
    pagination_class = None
    parameters: ClassVar = {"summary": COMMON, "timeseries": (*COMMON, "interval")}

    def get_queryset(self) -> QuerySet[Campaign]:
        return self.visible(Campaign.objects.order_by("name", "id"))

    @extend_schema(parameters=DOCUMENTED, responses=_answers(SummarySerializer))
    @action(detail=False)
    def summary(self, request: Request) -> Response:
        """Every number of a period: in all, for each campaign, and compared."""
        wall = timezone.now()
        question = self._question(request, wall)
        found = reports.summary(
            question.campaigns, question.period, compare=question.compare
        )
        if self._wants_csv(request):
            return Response(tables.summary_table(question.campaigns, found))
        report = {**_head(question, wall), **_summary(question, found)}
        return Response(SummarySerializer(report).data)

    @extend_schema(
        parameters=[*DOCUMENTED, INTERVAL], responses=_answers(TimeseriesSerializer)
    )
    @action(detail=False)
    def timeseries(self, request: Request) -> Response:
        """The numbers of a period by day, week or month."""
        wall = timezone.now()
        question = self._question(request, wall)
        found = reports.timeseries(
            question.campaigns,
            question.period,
            question.interval,
            now=question.now,
            compare=question.compare,
        )
        if self._wants_csv(request):
            return Response(tables.timeseries_table([*found.before, *found.points]))
        report = {**_head(question, wall), **_timeseries(question, found)}
        return Response(TimeseriesSerializer(report).data)

    def _question(self, request: Request, wall: datetime) -> Question:
        """What is asked; a 400 that names the first parameter that makes no sense."""
        values = request.query_params.dict()
        question = ask(values, campaigns=list(self.get_queryset()), wall=wall)
        for mistake in question.mistakes:
            raise InvalidParameter(mistake.name, mistake.message, code=mistake.code)
        return question

    def _wants_csv(self, request: Request) -> bool:
        return bool(request.accepted_renderer.format == CsvRenderer.format)


def _head(question: Question, wall: datetime) -> Mapping[str, Any]:
    period = question.period
    return {
        "campaign": question.campaign and question.campaign.pk,
        "first": period.first,
        "last": period.last,
        "tz": period.zone.key,
        "updated_at": wall,
        "interval": question.interval,
    }


def _summary(question: Question, found: Summary) -> Mapping[str, Any]:
    before, previous = question.period.before(), None
    if found.before is not None:
        days = {"first": before.first, "last": before.last}
        previous = {**days, "numbers": found.before}
    campaigns = [
        {
            "campaign": campaign.pk,
            "name": campaign.name,
            "numbers": found.campaigns[campaign.pk],
        }
        for campaign in question.campaigns
    ]
    return {"numbers": found.total, "previous": previous, "campaigns": campaigns}


def _timeseries(question: Question, found: Timeseries) -> Mapping[str, Any]:
    return {
        "buckets": [_bucket(point) for point in found.points],
        "previous": (
            [_bucket(point) for point in found.before] if question.compare else None
        ),
    }


def _bucket(point: Point) -> Mapping[str, Any]:
    bucket = point.bucket
    days = {"first": bucket.first, "last": bucket.last, "complete": bucket.complete}
    return {**days, **{n.name: point.numbers[n.name] for n in SERIES}}
