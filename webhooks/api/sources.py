"""Doors to sources and their logs, and the one that other systems knock at."""

from collections.abc import Iterable
from datetime import timedelta
from typing import IO, Any, cast
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.exceptions import Throttled
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from referral_factory.access.addresses import client_address
from referral_factory.access.idempotency import SecretResponse, WhatIf
from referral_factory.access.limits import count_address
from referral_factory.access.viewsets import ApiViewSet
from referral_factory.bodies import MAX_BYTES, BodyTooLarge, read_bounded
from referral_factory.errors import InvalidInput
from referral_factory.ids import InvalidId, from_public
from referrals.lookup import visible_campaign
from webhooks.filters import ArrivalFilter, SourceFilter
from webhooks.models import Arrival, Source
from webhooks.source_inputs import (
    ChangeSourceInput,
    PreviewInput,
    RotateSecretInput,
    SourceInput,
)
from webhooks.source_serializers import (
    ArrivalSerializer,
    PreviewSerializer,
    SourceSerializer,
    SourceWithSecretSerializer,
    WholeArrivalSerializer,
)
from webhooks.sources import services
from webhooks.sources.previewing import preview, sent_as_sample, sent_by
from webhooks.sources.receiving import CameOfIt, log_too_large, receive, replay
from webhooks.sources.verifying import Sent

LARGEST = 2**31 - 1  # that a log can say of a body
AS_IT_CAME = ("headers", "query", "body")  # kept with the arrival only


class SourceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Sources: other systems that report events, each in its own words."""

    resource = "sources"
    prefix = "src"
    serializer_class = SourceSerializer
    inputs = {
        "create": SourceInput,
        "partial_update": ChangeSourceInput,
        "rotate_secret": RotateSecretInput,
        "preview": PreviewInput,
    }
    filterset_class = SourceFilter
    parameters = {"arrivals": {"status", "road", "limit", "cursor", "ordering"}}

    def get_queryset(self) -> QuerySet[Source]:
        rows = Source.objects.select_related("campaign")
        return self.visible(rows.filter(deleted_at=None))

    @extend_schema(responses={201: SourceWithSecretSerializer})
    def create(self, request: Request) -> Response:
        """Add a source. A `secret` that is made here is in this answer alone.

        Without a `mapping` its bodies are events as `POST /events` takes them.
        """
        given = _with_scheme(self.validated(SourceInput))
        campaign = visible_campaign(self.key, given.pop("campaign"))
        source, secret = services.create_source(campaign, **given)
        return _with_secret(source, None if "secret" in given else secret, 201)

    def partial_update(self, request: Request, public_id: str) -> Response:
        source = self.get_object()
        changes = _with_scheme(self.validated(ChangeSourceInput))
        return Response(
            SourceSerializer(services.change_source(source, **changes)).data
        )

    def destroy(self, request: Request, public_id: str) -> Response:
        services.delete_source(self.get_object(), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=SourceWithSecretSerializer)
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, public_id: str) -> Response:
        """A new secret: yours, or one that is shown this once.

        The old one holds as well, for `overlap_hours` (24 unless you say otherwise).
        """
        source = self.get_object()
        given = self.validated(RotateSecretInput)
        hours = given.pop("overlap_hours", None)
        if hours is not None:
            given["overlap"] = timedelta(hours=hours)
        secret = services.rotate_secret(source, now=timezone.now(), **given)
        return _with_secret(source, None if "secret" in given else secret, 200)

    @extend_schema(responses=PreviewSerializer)
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, public_id: str) -> Response:
        """What a sample, or something that arrived, would become."""
        source = self.get_object()
        given = self.validated(PreviewInput)
        if "arrival" in given:
            sent = sent_by(_arrival(source, given["arrival"]))
        else:
            sent = sent_as_sample(given)
        told = preview(source.campaign, source, sent, given.get("mapping"))
        return WhatIf(told)

    @extend_schema(responses=ArrivalSerializer(many=True))
    @action(detail=True, filterset_class=ArrivalFilter)
    def arrivals(self, request: Request, public_id: str) -> Response:
        """Its log: what arrived, and what became of it; the newest first."""
        rows = self.get_object().arrivals.defer("body", "headers", "query")
        page = self.paginate_queryset(self.filter_queryset(rows))
        shown = [ArrivalSerializer(each).data for each in page or ()]
        return self.get_paginated_response(shown)


class ArrivalViewSet(ApiViewSet):
    """Arrivals: what came from a source, as it came."""

    resource = "sources"
    prefix = "arr"
    serializer_class = WholeArrivalSerializer
    inputs = {"replay": None}

    def get_queryset(self) -> QuerySet[Arrival]:
        rows = Arrival.objects.select_related("campaign", "source")
        return self.visible(rows)

    def retrieve(self, request: Request, public_id: str) -> Response:
        """One arrival with its body, where that was kept."""
        return Response(WholeArrivalSerializer(self.get_object()).data)

    @action(detail=True, methods=["post"])
    def replay(self, request: Request, public_id: str) -> Response:
        """Read it again by the mapping as it is now: what was refused, or ignored."""
        arrival = replay(self.get_object(), wall=timezone.now())
        shown = WholeArrivalSerializer(arrival).data
        return SecretResponse(shown, secret_fields=AS_IT_CAME)


class AsItIs(BaseParser):
    """Nothing is parsed here: a body is read once it is known who sent it."""

    media_type = "*/*"


class AlwaysJSON(BaseContentNegotiation):
    """Who sends webhooks reads no answers: whatever they accept, they are heard."""

    def select_parser(
        self, request: Request, parsers: Iterable[BaseParser]
    ) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type


class ReceiveView(APIView):
    """Where other systems send to. They show no key: each proves itself in its way."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    parser_classes = (AsItIs,)
    content_negotiation_class = AlwaysJSON

    schema = None  # no route of the API: it takes what others send; docs/sources.md

    def post(self, request: Request, source: str) -> Response:
        """200 once it is committed, also when its event was reported before."""
        address = client_address(request)
        limit = settings.SOURCE_LIMIT_PER_MINUTE
        standing = count_address(address, "in", limit=limit, exact=False)
        if not standing.allowed:
            raise Throttled(standing.resets_in)
        found = _source(source)
        sent = _sent(request, found, address)
        return Response(_answer(receive(found, sent, wall=timezone.now())))


def _source(public_id: str) -> Source:
    try:
        key = from_public(Source.PREFIX, public_id)
    except InvalidId as error:
        raise Http404 from error
    rows = Source.objects.select_related("campaign").filter(deleted_at=None)
    return get_object_or_404(rows, pk=key)


def _arrival(source: Source, key: UUID) -> Arrival:
    found = source.arrivals.filter(pk=key).first()
    if found is None:
        raise InvalidInput("/arrival", "There is no such arrival.", "unknown")
    return found


def _sent(request: Request, source: Source, address: str | None) -> Sent:
    headers = {name.lower(): text for name, text in request.headers.items()}
    query = request.META.get("QUERY_STRING", "")
    size = _announced(request.META.get("CONTENT_LENGTH") or "0")
    if size > MAX_BYTES:
        sent = Sent(b"", headers, query, address)
        log_too_large(source, sent, size, wall=timezone.now())
        raise BodyTooLarge(f"The body is larger than {MAX_BYTES // 1024} KB.")
    body = read_bounded(cast(IO[bytes], request._request), MAX_BYTES)
    return Sent(body, headers, query, address)


def _announced(length: str) -> int:
    """What it says that it is long; no number is none, as Django reads it."""
    if not (length.isascii() and length.isdecimal()):
        return 0
    return min(int(length[:20]), LARGEST)


def _answer(came: CameOfIt) -> dict[str, Any]:
    recorded = came.recorded
    return {
        "outcome": recorded.outcome if recorded else "ignored",
        "event": recorded.event.public_id if recorded else None,
        "arrival": came.arrival.public_id,
    }


def _with_scheme(given: dict[str, Any]) -> dict[str, Any]:
    if "hmac" in given:
        given["scheme"] = services.scheme_of(given.pop("hmac"))
    return given


def _with_secret(source: Source, secret: str | None, code: int) -> Response:
    data = {**SourceSerializer(source).data, "secret": secret or None}
    return SecretResponse(data, secret_fields=("secret",), status=code)
