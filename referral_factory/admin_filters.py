"""Filters of lists, in the theme: each is a field of one form, so that they combine."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import get_format
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
    RangeDateFilter,
)

__all__ = ["Among", "AmongRows", "Between", "Choice", "SimpleListFilter"]

Among = ChoicesDropdownFilter  # one of the choices of a field
AmongRows = AutocompleteSelectFilter  # a row of another table, found by typing


class Choice(DropdownFilter):
    """One of a few questions that each have an index."""

    ANSWERS: tuple[tuple[str, str], ...]

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return self.ANSWERS


class Between(RangeDateFilter):
    """From the beginning of one day to the end of another, both in UTC."""

    NAME = ""  # in place of the field's

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.NAME:
            self.title = self.NAME

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        first, last = self._day("from"), self._day("to")
        if first:
            queryset = queryset.filter(**{f"{self.field_path}__gte": _midnight(first)})
        if last:
            after = _midnight(last + timedelta(days=1))
            queryset = queryset.filter(**{f"{self.field_path}__lt": after})
        return queryset

    def _day(self, end: str) -> date | None:
        return read_day(self.used_parameters.get(f"{self.parameter_name}_{end}") or "")


def read_day(text: str) -> date | None:
    """A day as people type it, or nothing where it is none that there could be."""
    for form in get_format("DATE_INPUT_FORMATS"):
        try:
            day = datetime.strptime(text, form).date()  # noqa: DTZ007 - a day, no moment
        except ValueError:
            continue
        return day if day < date.max else None
    return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.get_default_timezone())
