"""How answers are written: compact JSON, the same bytes that are stored and sent."""

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import JSONRenderer

from referral_factory.wire import as_json


class QuickJSONRenderer(JSONRenderer):
    """REST framework's, but for the time that it takes."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None or (accepted_media_type and ";" in accepted_media_type):
            return super().render(data, accepted_media_type, renderer_context)
        return as_json(data)
