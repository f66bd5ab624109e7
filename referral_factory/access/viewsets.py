"""What every route of the API has: a key, its scope and limit, what it may see."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet

from referral_factory.access import idempotency
from referral_factory.access.limits import Standing
from referral_factory.access.models import ApiKey
from referral_factory.access.parameters import refuse_unknown
from referral_factory.ids import InvalidId, from_public
from referral_factory.wire import StrictSerializer

M = TypeVar("M", bound=Model)


def visible_to(key: ApiKey, queryset: QuerySet[M], *, path: str | None) -> QuerySet[M]:
    """The rows that a key may know of. The others do not exist: 404, never 403.

    `path` leads from the rows to their campaign: "campaign", "" for campaigns
    themselves, None for rows that belong to a mode only.
    """
    if path is None:
        return queryset.filter(mode=key.mode)
    step = f"{path}__" if path else ""
    queryset = queryset.filter(**{f"{step}mode": key.mode})
    if key.campaign_ids:
        queryset = queryset.filter(**{f"{step}pk__in": key.campaign_ids})
    return queryset


class ApiViewSet(GenericViewSet):
    """A resource of the API.

    Subclasses name their `resource` and the `prefix` of its ids, and start their
    querysets from `self.visible(...)`. Idempotency-Key works without their help.
    """

    resource: ClassVar[str]
    prefix: ClassVar[str] = ""
    # By action, where it is not `<resource>:read` or `:write`. None: any valid key.
    scopes: ClassVar[Mapping[str, str | None]] = {}
    # From the queryset to the campaign: "" for campaigns themselves, None for what
    # belongs to a mode only.
    campaign_path: ClassVar[str | None] = "campaign"
    # Query parameters by action, beyond the filters and pages of `list`.
    parameters: ClassVar[Mapping[str, Collection[str]]] = {}

    # The actions that mind Idempotency-Key themselves, for all calls of a group.
    grouped: ClassVar[Collection[str]] = ()

    # What the body of each write is read as, for the documentation. None: the write
    # takes no fields, and a body that has some is refused.
    inputs: ClassVar[Mapping[str, type[BaseSerializer[Any]] | None]] = {}

    lookup_url_kwarg = "public_id"
    standing: Standing | None = None  # set when the call was counted

    @property
    def key(self) -> ApiKey:
        if getattr(self, "swagger_fake_view", False):
            return ApiKey()  # the schema is written without a caller
        key = self.request.auth
        assert isinstance(key, ApiKey)  # noqa: S101 - HasScope let nobody else in
        return key

    @property
    def actor(self) -> str:
        return f"key:{self.key.public_id}"

    def required_scope(self) -> str | None:
        """The scope that this call needs; None when any valid key will do."""
        if self.action in self.scopes:
            return self.scopes[self.action]
        right = "read" if self.request.method in SAFE_METHODS else "write"
        return f"{self.resource}:{right}"

    def visible(self, queryset: QuerySet[M]) -> QuerySet[M]:
        """The rows that the key may know of; see `visible_to`."""
        return visible_to(self.key, queryset, path=self.campaign_path)

    def get_object(self) -> Any:
        """The row that the URL names; 404 for any other text in its place."""
        return get_object_or_404(self.get_queryset(), pk=self.named_key())

    def named_key(self) -> UUID:
        """The key that the URL names; 404 for any other text in its place."""
        try:
            return from_public(self.prefix, self.kwargs[self.lookup_url_kwarg])
        except InvalidId as error:
            raise Http404 from error

    def validated(
        self,
        serializer_class: type[BaseSerializer[Any]],
        *,
        partial: bool = False,
        **context: Any,
    ) -> Any:
        """The body as the serializer reads it; a 422 that names every bad field."""
        context = {**self.get_serializer_context(), **context}
        serializer = serializer_class(
            data=self.request.data, partial=partial, context=context
        )
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.action != "list":  # whose filter backend knows its parameters
            refuse_unknown(request, self.parameters.get(self.action, ()))
        if request.method in {"POST", "PATCH"}:
            self._read_body(request)
        method = (request.method or "").lower()
        handler = getattr(self, method, None)
        once = self.action not in self.grouped and idempotency.asked_for(request)
        if handler and once:
            # dispatch() looks for the handler after this.
            setattr(self, method, idempotency.once(handler, request))

    def _read_body(self, request: Request) -> None:
        """Refuse a malformed body, and any field where none is expected."""
        _ = request.data
        if self.inputs.get(self.action, StrictSerializer) is None:
            self.validated(StrictSerializer)

    def check_permissions(self, request: Request) -> None:
        """Count the call first: one that is refused counts, and its answer says so."""
        super().check_throttles(request)
        super().check_permissions(request)

    def check_throttles(self, request: Request) -> None:
        """Done already: see check_permissions."""

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Any:
        if self.standing is not None:
            self.headers.update(self.standing.headers)
        return super().finalize_response(request, response, *args, **kwargs)
