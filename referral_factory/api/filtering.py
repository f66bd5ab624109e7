"""Filters of lists. A view names each one: no look-up is implied."""

from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend

from referral_factory.access.parameters import InvalidParameter, refuse_unknown

PAGING = frozenset({"limit", "cursor", "ordering"})


class StrictFilterBackend(DjangoFilterBackend):
    """An unknown parameter, or a value that makes no sense, is a 400 that names it."""

    def get_filterset_class(self, view: Any, queryset: Any = None) -> Any:
        # Without the queryset: an action may list rows of another model than its view.
        return super().get_filterset_class(view)

    def filter_queryset(self, request: Any, queryset: QuerySet[Any], view: Any) -> Any:
        filterset = self.get_filterset(request, queryset, view)
        known = PAGING | (filterset.filters.keys() if filterset else set())
        refuse_unknown(request, known)
        if filterset is None:
            return queryset
        for name, errors in filterset.form.errors.as_data().items():
            error = errors[0]
            message = " ".join(error.messages)
            raise InvalidParameter(name, message, code=error.code or "invalid")
        return filterset.qs
