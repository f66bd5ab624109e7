"""Doors to imports."""

from collections.abc import Sequence

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.access.idempotency import SecretResponse
from referral_factory.access.viewsets import ApiViewSet
from referral_factory.uploads import PIECE, CsvParser, FormParser
from referrals.fault_files import fault_file
from referrals.files.faults import BadFile
from referrals.files.incoming import EMPTY
from referrals.filters import ImportFilter
from referrals.import_inputs import ImportInput, MappingInput
from referrals.import_serializers import (
    ImportFaultSerializer,
    ImportSerializer,
    ImportWithSampleSerializer,
)
from referrals.lookup import visible_campaign
from referrals.models import Import
from referrals.services import imports

BY_QUERY = ("campaign", "kind", "filename", "dry_run", "mapping")
WITH_BODY = "With a `text/csv` body, whose other fields are in the query."


class CsvFileRenderer(JSONRenderer):
    """Says that there is CSV to be had. The file is streamed past it, and what is left
    to write are problems."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"


class ImportViewSet(mixins.ListModelMixin, ApiViewSet):
    """Imports: CSV files of people or events, checked first, then done row by row.

    Those of people need the scopes of participants, those of events the scopes of
    events. A key that has only one of the two sees only these.
    """

    resource = "participants"
    prefix = "imp"
    serializer_class = ImportSerializer
    inputs = {"partial_update": MappingInput, "run": None, "cancel": None}
    filterset_class = ImportFilter
    parameters = {"create": BY_QUERY, "faults": ("limit", "cursor")}

    def get_queryset(self) -> QuerySet[Import]:
        rows = self.visible(Import.objects.select_related("campaign"))
        return rows.filter(kind__in=self._kinds())

    def required_scope(self) -> str | None:
        """That of participants, unless the key has that of events and no other."""
        needed = super().required_scope() or ""
        return needed.replace("participants", next(iter(self._kinds()), "participants"))

    def _kinds(self) -> list[str]:
        """The kinds of files that the key may handle; they are called as the scopes."""
        right = (super().required_scope() or "").partition(":")[2]
        return [kind for kind in Import.Kind if f"{kind}:{right}" in self.key.scopes]

    def get_parsers(self) -> list[BaseParser]:
        """A file where one is sent; REST framework asks before it knows the action."""
        # The API's own document is written without a request.
        method = getattr(self.request, "method", None) or ""
        if getattr(self, "action_map", {}).get(method.lower()) == "create":
            return [FormParser(), CsvParser()]
        return super().get_parsers()

    @extend_schema(
        request={"multipart/form-data": ImportInput, "text/csv": OpenApiTypes.BINARY},
        responses={201: ImportWithSampleSerializer},
        parameters=[
            OpenApiParameter(name, str, description=WITH_BODY) for name in BY_QUERY
        ],
    )
    def create(self, request: Request) -> Response:
        """Upload a file; unless `dry_run` is false, it is only checked at first."""
        if not request.data and request.content_type == CsvParser.media_type:
            raise BadFile(*EMPTY)  # REST framework asks no parser about nothing
        given = self.validated(ImportInput)
        if given["kind"] not in self._kinds():
            message = f"This API key lacks the scope {given['kind']}:write."
            raise PermissionDenied(message, code="missing_scope")
        file = given["file"]
        received = imports.receive_and_start(
            visible_campaign(self.key, given["campaign"]),
            file.chunks(PIECE),
            filename=given.get("filename") or file.name or "",
            by=self.actor,
            mapping=given.get("mapping"),
            dry_run=given["dry_run"],
            kind=given["kind"],
            wall=timezone.now(),
        )
        return self._answer(received, status.HTTP_201_CREATED)

    @extend_schema(responses={200: ImportWithSampleSerializer})
    def retrieve(self, request: Request, public_id: str) -> Response:
        """One import: how far it is, and its first rows as they would be read."""
        return self._answer(self.get_object())

    @extend_schema(responses={200: ImportWithSampleSerializer})
    def partial_update(self, request: Request, public_id: str) -> Response:
        """Say what the columns mean. The file is then checked once more."""
        received = self.get_object()
        mapping = self.validated(MappingInput)["mapping"]
        return self._answer(imports.change_mapping(received, mapping))

    @extend_schema(responses={200: ImportWithSampleSerializer})
    @action(detail=True, methods=["post"])
    def run(self, request: Request, public_id: str) -> Response:
        """Enrol the people, or record the events, of a file that was checked."""
        received = imports.run_import(self.get_object(), wall=timezone.now())
        return self._answer(received)

    @extend_schema(responses={200: ImportWithSampleSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, public_id: str) -> Response:
        """Stop. What is done by then stays; the rest of the file is dropped."""
        received = imports.cancel_import(self.get_object(), wall=timezone.now())
        return self._answer(received)

    @extend_schema(responses={200: ImportFaultSerializer(many=True)}, filters=False)
    @action(detail=True)
    def faults(self, request: Request, public_id: str) -> Response:
        """What is wrong with which row, in the order of the file."""
        self.orderings: Sequence[str] = ("id",)
        page = self.paginate_queryset(self.get_object().faults.all())
        shown = [ImportFaultSerializer(each).data for each in page or ()]
        return self.get_paginated_response(shown)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR}, filters=False)
    @action(
        detail=True,
        url_path=r"faults\.csv",
        renderer_classes=[CsvFileRenderer, JSONRenderer],
    )
    def faults_file(self, request: Request, public_id: str) -> StreamingHttpResponse:
        """The rows with faults as a file, to be mended and uploaded again."""
        return fault_file(self.get_object())

    def _answer(self, received: Import, code: int = status.HTTP_200_OK) -> Response:
        """The sample is people's data: it is in no stored answer."""
        data = ImportWithSampleSerializer(received).data
        return SecretResponse(data, secret_fields=("sample",), status=code)
