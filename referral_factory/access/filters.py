"""Filters for lists: by id, by moment. What they cannot read is an error."""

from typing import Any

from django import forms
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError

from referral_factory.ids import InvalidId, from_public
from referral_factory.wire import MomentField


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
            message = str(error.detail[0]) if isinstance(error.detail, list) else ""
            raise forms.ValidationError(message, code="invalid_moment") from error


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentFilter(filters.Filter):
    """`?created_after=2026-01-31T12:00:00Z`."""

    field_class = MomentFormField
