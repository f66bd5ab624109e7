"""What callers send us about sources."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from referral_factory.expressions import LONGEST
from referral_factory.wire import (
    ChoiceField,
    IdField,
    StrictSerializer,
    TextField,
    pointer_part,
)
from webhooks.inputs import HEADER_NAME
from webhooks.models import Source
from webhooks.sources.mapping import MOST_PROPERTIES
from webhooks.sources.schemes import ALGORITHMS, ENCODINGS, PRESETS

LONGEST_SECRET = 500
LONGEST_TOLERANCE = 3600  # seconds
LONGEST_OVERLAP = 7 * 24  # hours


class ExpressionField(TextField):
    """An expression over `body`, `headers` and `query`."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        super().__init__(LONGEST, multiline=True, **kwargs)


class HeaderNameField(TextField):
    default_error_messages = {"not_a_header": "Not the name of a header."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(100, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if not HEADER_NAME.fullmatch(name):
            self.fail("not_a_header")
        return name

    def run_validation(self, data: Any = serializers.empty) -> Any:
        self.is_simple = False  # the name itself is judged, too
        return super().run_validation(data)


class HmacInput(StrictSerializer):
    """How a system signs: as a known one does (`preset`), or in its own way."""

    preset = ChoiceField(list(PRESETS), required=False)
    header = HeaderNameField(required=False)
    algorithm = ChoiceField(ALGORITHMS, required=False)
    encoding = ChoiceField(ENCODINGS, required=False)
    prefix = TextField(50, required=False, allow_blank=True)
    field = TextField(20, required=False, allow_blank=True)
    signed = TextField(200, required=False)
    timestamp_header = HeaderNameField(required=False, allow_blank=True)
    timestamp_field = TextField(20, required=False, allow_blank=True)
    tolerance = serializers.IntegerField(
        required=False, min_value=1, max_value=LONGEST_TOLERANCE
    )


class PersonMapping(StrictSerializer):
    """Whom an event is about: of several, the first that gives something."""

    id = ExpressionField()
    external_id = ExpressionField()
    email = ExpressionField()
    code = ExpressionField()

    def validate(self, given: dict[str, str]) -> dict[str, str]:
        if not given:
            raise ValidationError("Say whom the event is about.", code="required")
        return given


@extend_schema_field(
    {"oneOf": [{"type": "string"}, {"type": "object", "additionalProperties": True}]}
)
class PropertiesField(serializers.Field[Any, Any, Any, Any]):
    """One expression that gives an object, or an expression for each property."""

    default_error_messages = {
        "invalid": f"An expression, or an object of {MOST_PROPERTIES} at most.",
    }
    one = ExpressionField(required=True)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):
            return self.one.run_validation(data)
        if not isinstance(data, dict) or len(data) > MOST_PROPERTIES:
            self.fail("invalid")
        return {str(name): self._inner(name, text) for name, text in data.items()}

    def _inner(self, name: Any, text: Any) -> Any:
        try:
            return self.one.run_validation(text)
        except ValidationError as error:
            raise ValidationError({pointer_part(name): error.detail}) from error

    def to_representation(self, value: Any) -> Any:
        return value


class MappingInput(StrictSerializer):
    """What each field of an event is made of. Empty: the body is an event already."""

    when = ExpressionField()
    event_id = ExpressionField()
    name = ExpressionField()
    participant = PersonMapping(required=False)
    occurred_at = ExpressionField()
    amount = ExpressionField()
    currency = ExpressionField()
    properties = PropertiesField(required=False)
    reverses = ExpressionField()

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        missing = [name for name in ("name", "participant") if name not in given]
        if given and missing:
            said = "An event needs it."
            raise ValidationError(dict.fromkeys(missing, said), code="required")
        return given


class ChangeSourceInput(StrictSerializer):
    name = TextField(200, required=False)
    hmac = HmacInput(required=False)
    mapping = MappingInput(required=False)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if not given:
            raise ValidationError("There is nothing to change.", code="empty")
        return given


class SourceInput(StrictSerializer):
    campaign = IdField("cmp")
    name = TextField(200)
    verification = ChoiceField(Source.Verification.choices)
    hmac = HmacInput(required=False)
    secret = TextField(LONGEST_SECRET, required=False)
    mapping = MappingInput(required=False)


class RotateSecretInput(StrictSerializer):
    secret = TextField(LONGEST_SECRET, required=False)
    overlap_hours = serializers.IntegerField(
        required=False, min_value=0, max_value=LONGEST_OVERLAP
    )


@extend_schema_field({})
class AnyField(serializers.Field[Any, Any, Any, Any]):
    """Any JSON value."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class PreviewInput(StrictSerializer):
    """A sample, the text of a body, or something that arrived; and a mapping to try."""

    sample = AnyField(required=False)
    body = TextField(20_000, required=False, multiline=True)
    arrival = IdField("arr", required=False)
    content_type = TextField(200, required=False)
    headers = serializers.DictField(child=TextField(1000), required=False)
    query = TextField(4000, required=False)
    mapping = MappingInput(required=False)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if len(given.keys() & {"sample", "body", "arrival"}) != 1:
            said = "Give exactly one of: sample, body, arrival."
            raise ValidationError(said, code="exactly_one")
        return given
