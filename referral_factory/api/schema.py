"""The OpenAPI document: what each route needs and answers, beyond its fields.

Imported by the first look at a view's schema, which also registers the extensions.
"""

from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema as SpectacularSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from referral_factory.access.idempotency import HEADER, METHODS
from referral_factory.access.viewsets import ApiViewSet
from referral_factory.api.problems import MEDIA_TYPE
from referral_factory.wire import AMOUNT, IdField, StrictSerializer

READ_ERRORS = {
    "400": "Malformed: the query, the body's syntax, a header.",
    "401": "No API key, or one that is unknown, revoked or expired.",
    "403": "The API key lacks the scope of this route.",
    "404": "There is no such thing, or not for this API key.",
    "429": "Too many calls; see Retry-After.",
    "503": "The database is away for a moment; see Retry-After.",
}
WRITE_ERRORS = {
    "409": "A rule refused it; `code` says which.",
    "413": "The body is too large.",
    "415": "The body is not JSON in UTF-8.",
    "422": "Values are not valid; `errors` points at each.",
}
SUMMARIES = {"list": "List, newest first", "retrieve": "Show one"}
# Parameters of paths that are ids, and of which kind. Empty: of the view's.
PATH_IDS = {"public_id": "", "campaign_id": "cmp"}
IDEMPOTENCY = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description=(
        "Up to 255 printable ASCII characters. A repeated request with the same key is "
        "answered as the first one was, and does nothing."
    ),
)


class ProblemEntrySerializer(serializers.Serializer[Any]):
    """One thing that is wrong with the input."""

    pointer = serializers.CharField(help_text="JSON pointer, or /name of a parameter.")
    detail = serializers.CharField()
    code = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """What went wrong (RFC 9457). A refusal by a rule adds its facts."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="For people; may change.")
    code = serializers.CharField(help_text="For programs; does not change.")
    errors = ProblemEntrySerializer(many=True)  # type: ignore[assignment]
    request_id = serializers.CharField()


class AutoSchema(SpectacularSchema):
    """Adds what the routes of the API have in common."""

    view: Any

    def get_description(self) -> str:  # type: ignore[override]
        description = super().get_description() or ""
        if not isinstance(self.view, ApiViewSet):
            return description
        scope = self.view.required_scope()
        needs = f"Scope: `{scope}`." if scope else "Any valid API key may call this."
        return f"{description}\n\n{needs}".strip()

    def get_summary(self) -> str | None:
        action = getattr(self.view, "action", None) or ""
        about = getattr(getattr(self.view, action, None), "__doc__", None) or ""
        first, _, _ = about.strip().partition("\n")
        return first.rstrip(".") or SUMMARIES.get(action)

    def get_request_serializer(self) -> Any:
        inputs = getattr(self.view, "inputs", {})
        action = getattr(self.view, "action", None)
        if action in inputs:
            return inputs[action]
        return super().get_request_serializer()

    def _get_serializer_name(self, *args: Any, **kwargs: Any) -> str:
        name: str = super()._get_serializer_name(*args, **kwargs)
        return name.replace("InputRequest", "Request")

    def get_override_parameters(self) -> list[Any]:
        parameters = list(super().get_override_parameters())
        if isinstance(self.view, ApiViewSet) and self.method in METHODS:
            parameters.append(IDEMPOTENCY)
        return parameters

    def _resolve_path_parameters(self, variables: list[str]) -> list[Any]:
        parameters: list[Any]
        parameters = super()._resolve_path_parameters(variables)  # type: ignore[no-untyped-call]
        for parameter in parameters:
            if parameter["name"] in PATH_IDS:
                prefix = PATH_IDS[parameter["name"]] or self.view.prefix
                parameter["schema"] = id_schema(prefix)
        return parameters

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        responses = super()._get_response_bodies(direction)
        if isinstance(self.view, ApiViewSet):
            errors = READ_ERRORS | (WRITE_ERRORS if self.method in METHODS else {})
            for code, description in errors.items():
                responses.setdefault(code, self._problem(code, description))
        return dict(sorted(responses.items()))

    def _problem(self, code: str, description: str) -> Any:
        response = self._get_response_for_code(  # type: ignore[no-untyped-call]
            ProblemSerializer, code, [MEDIA_TYPE]
        )
        return {**response, "description": description}

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        schema = super()._map_basic_serializer(  # type: ignore[no-untyped-call]
            serializer, direction
        )
        if isinstance(serializer, StrictSerializer) and direction == "request":
            schema["additionalProperties"] = False
            schema.update(serializer.documented)
            if type(serializer).__doc__ is None:  # else a base class describes it
                schema.pop("description", None)
        return schema


def without_final_slashes(endpoints: list[tuple[str, Any, Any, Any]]) -> list[Any]:
    """Paths as people write them: the slash at the end is optional."""
    return [(path.rstrip("/"), *rest) for path, *rest in endpoints]


def id_schema(prefix: str) -> dict[str, Any]:
    if not prefix:
        return {"type": "string"}
    pattern = f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"
    return {"type": "string", "pattern": pattern}


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "referral_factory.access.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "rf_live_... or rf_test_...",
        }


class IdScheme(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = IdField

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return id_schema(self.target.prefix)


class MoneyScheme(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "referral_factory.wire.MoneyField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        text = {"type": "string", "pattern": f"^{AMOUNT.pattern}$", "example": "25.00"}
        if direction == "response":
            return {"type": "string", "example": "25.00"}
        return {"oneOf": [text, {"type": "number", "minimum": 0}]}


class MomentScheme(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "referral_factory.wire.MomentField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


class CurrencyScheme(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "referral_factory.wire.CurrencyField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[A-Z]{3}$", "example": "USD"}


class JsonObjectScheme(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "referral_factory.wire.JsonObjectField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": True}
