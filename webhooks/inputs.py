"""What callers send us about endpoints."""

import re
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from referral_factory.wire import (
    ChoiceField,
    IdField,
    MomentField,
    StrictSerializer,
    TextField,
)
from webhooks.catalogue import MESSAGE_TYPES

HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", re.ASCII)
HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,1000}")
MOST_HEADERS = 20
# What the transport itself says of a message; an endpoint may not say otherwise.
RESERVED = {
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
}


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class HeadersField(serializers.Field[dict[str, str], Any, dict[str, str], Any]):
    """Headers to send along: a receiver behind a gateway may ask for some."""

    default_error_messages = {
        "not_an_object": "Must be an object of names and values, 20 at most.",
        "invalid_header": "{name} is not a header that can be set, or not to that.",
    }

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict) or len(data) > MOST_HEADERS:
            self.fail("not_an_object")
        for name, value in data.items():
            if not _can_be_set(name, value):
                self.fail("invalid_header", name=repr(name[:100]))
        return data

    def to_representation(self, value: dict[str, str]) -> dict[str, str]:
        return value


def _can_be_set(name: str, value: Any) -> bool:
    return (
        name.lower() not in RESERVED
        and HEADER_NAME.fullmatch(name) is not None
        and isinstance(value, str)
        and HEADER_VALUE.fullmatch(value) is not None
    )


class EndpointInput(StrictSerializer):
    url = TextField(2000)
    description = TextField(500, required=False, allow_blank=True)
    types = serializers.ListField(
        child=ChoiceField(list(MESSAGE_TYPES)),
        required=False,
        max_length=len(MESSAGE_TYPES),
    )
    campaigns = serializers.ListField(
        child=IdField("cmp"), required=False, max_length=200, source="campaign_ids"
    )
    headers = HeadersField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if self.partial and not attrs:
            raise ValidationError("There is nothing to change.", code="empty")
        return attrs


class RecoverInput(StrictSerializer):
    since = MomentField()
