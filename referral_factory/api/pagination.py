"""Lists in pages, by a cursor on the id: stable while rows are added."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from referral_factory.access.parameters import InvalidParameter


class Cursor(CursorPagination):
    """`?limit=` (up to 200), `?cursor=`, `?ordering=`.

    A view may name other `orderings`, the first being its default; each must be of a
    unique column.
    """

    page_size = 50
    max_page_size = 200
    page_size_query_param = "limit"
    page_size_query_description = "Results per page, 1 to 200."
    ordering = "-id"
    orderings = ("-id", "id")

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get("limit", str(self.page_size))
        if not (text.isascii() and text.isdigit() and len(text) <= 3):
            raise self._bad_limit()
        limit = int(text)
        if not 1 <= limit <= self.max_page_size:
            raise self._bad_limit()
        return limit

    def get_ordering(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> tuple[str, ...]:
        orderings = getattr(view, "orderings", self.orderings)
        ordering = request.query_params.get("ordering", orderings[0])
        if ordering not in orderings:
            message = f"Must be one of {', '.join(orderings)}."
            raise InvalidParameter("ordering", message)
        return (ordering,)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        orderings = list(getattr(view, "orderings", self.orderings))
        ordering = {"type": "string", "enum": orderings, "default": orderings[0]}
        return [
            *super().get_schema_operation_parameters(view),
            {"name": "ordering", "in": "query", "required": False, "schema": ordering},
        ]

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any] | None:
        try:
            cursor = self.decode_cursor(request)
            if cursor is not None:
                (ordering,) = self.get_ordering(request, queryset, view)
                column = queryset.model._meta.get_field(ordering.lstrip("-"))
                column.to_python(cursor.position or "")  # refuses what it is not
        except (NotFound, ValidationError, ValueError) as error:
            message = "Not a cursor that was given out."
            raise InvalidParameter("cursor", message, code="invalid_cursor") from error
        return super().paginate_queryset(queryset, request, view)

    def _bad_limit(self) -> InvalidParameter:
        message = f"Must be a whole number from 1 to {self.max_page_size}."
        return InvalidParameter("limit", message)
