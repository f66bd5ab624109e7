"""Filters for lists: by id, by moment, by JSON. What they cannot read is an error."""

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError

from referral_factory.ids import InvalidId, from_public
from referral_factory.wire import JsonObjectField, MomentField


class IdFormField(forms.Field):
    def __init__(self, *args: Any, prefix: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prefix = prefix

    def to_python(self, value: Any) -> Any:
        if not value:
            return None
        try:
            return from_public(self.prefix, value)
        except InvalidId as error:
            raise forms.ValidationError(str(error), code="invalid_id") from error


class ChoiceFilter(filters.ChoiceFilter):
    """One of a few words; who asks for another is told which there are."""

    def __init__(self, *, choices: Sequence[tuple[str, Any]], **kwargs: Any) -> None:
        known = ", ".join(word for word, _label in choices)
        told = {"invalid_choice": f"Choose one of: {known}."}
        super().__init__(choices=choices, error_messages=told, **kwargs)


class YesOrNoFormField(forms.Field):
    def to_python(self, value: Any) -> Any:
        if not value:
            return None
        if value not in {"true", "false"}:
            raise forms.ValidationError("Must be true or false.", code="invalid")
        return value == "true"


@extend_schema_field(OpenApiTypes.BOOL)
class YesOrNoFilter(filters.Filter):
    """`?disputed=true`. The library's own takes any other text for no filter at all."""

    field_class = YesOrNoFormField


@extend_schema_field(OpenApiTypes.STR)
class IdFilter(filters.Filter):
    """`?campaign=cmp_...`: rows that belong to the one with this id."""

    field_class = IdFormField


class MomentFormField(forms.Field):
    def to_python(self, value: Any) -> Any:
        if not value:
            return None
        try:
            # A plus in a query string arrives as a space, unless it was escaped.
            return MomentField().to_internal_value(value.replace(" ", "+"))
        except ValidationError as error:
            raise forms.ValidationError(_said(error), code="invalid_moment") from error


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentFilter(filters.Filter):
    """`?created_after=2026-01-31T12:00:00Z`."""

    field_class = MomentFormField


class JsonObjectFormField(forms.Field):
    def to_python(self, value: Any) -> Any:
        if not value:
            return None
        try:
            return JsonObjectField().run_validation(json.loads(value))
        except (ValueError, RecursionError) as error:
            message = 'Not a JSON object, such as {"plan": "pro"}.'
            raise forms.ValidationError(message, code="invalid_json") from error
        except ValidationError as error:
            raise forms.ValidationError(_said(error), code="invalid_json") from error


@extend_schema_field(OpenApiTypes.STR)
class ContainmentFilter(filters.Filter):
    """`?attributes={"plan": "pro"}`: rows whose JSON has at least this in it."""

    field_class = JsonObjectFormField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(lookup_expr="contains", **kwargs)


def _said(error: ValidationError) -> str:
    """The first thing that a field of the wire has to say, wherever it is nested."""
    detail: Any = error.detail
    while isinstance(detail, dict | list):
        detail = next(iter(detail.values() if isinstance(detail, dict) else detail))
    return str(detail)
