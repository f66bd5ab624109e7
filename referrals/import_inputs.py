"""What clients may send about a file: by a form, in a query, or as JSON."""

import json
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from referral_factory.text import clean_text
from referral_factory.wire import ChoiceField, IdField, StrictSerializer, TextField
from referrals.files.layout import MOST_COLUMNS
from referrals.models import Import


@extend_schema_field(OpenApiTypes.BINARY)
class UploadField(serializers.Field[UploadedFile, Any, Any, Any]):
    default_error_messages = {"not_a_file": "Send the file itself."}

    def to_internal_value(self, data: Any) -> UploadedFile:
        if not isinstance(data, UploadedFile):
            self.fail("not_a_file")
        return data

    def to_representation(self, value: Any) -> Any:
        return None


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "example": {"E-Mail": "email", "Plan": "attributes.plan"},
    }
)
class MappingField(serializers.Field[dict[str, str], Any, dict[str, str], Any]):
    """Columns of a file -> fields of its rows; a form holds it as JSON text."""

    default_error_messages = {
        "not_a_mapping": "Not an object whose keys are columns and values fields.",
    }

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if isinstance(data, str):
            data = self._parsed(data)
        if not isinstance(data, dict) or len(data) > MOST_COLUMNS:
            self.fail("not_a_mapping")
        if not all(isinstance(text, str) for text in data.values()):
            self.fail("not_a_mapping")
        return {clean_text(name): clean_text(field) for name, field in data.items()}

    def to_representation(self, value: dict[str, str]) -> dict[str, str]:
        return value

    def _parsed(self, text: str) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            self.fail("not_a_mapping")


class YesOrNo(serializers.BooleanField):
    """Left out of a form, it is what it is by default, not a box without a tick."""

    default_empty_html = serializers.empty


class ImportInput(StrictSerializer):
    """A CSV file of people, or of events."""

    file = UploadField()
    campaign = IdField("cmp")
    kind = ChoiceField(Import.Kind.choices, default=Import.Kind.PARTICIPANTS.value)
    filename = TextField(255, required=False, allow_blank=True)
    mapping = MappingField(required=False)
    dry_run = YesOrNo(default=True)


class MappingInput(StrictSerializer):
    mapping = MappingField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "partial": False})
