"""Reports as CSV, for spreadsheets."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer

from referral_factory.spreadsheets import safe


class CsvRenderer(BaseRenderer):
    """Rows of a report as CSV (RFC 4180). Errors stay problem documents."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        response = (renderer_context or {}).get("response")
        if response is None or response.exception:
            return JSONRenderer().render(data)
        text = io.StringIO()
        csv.writer(text).writerows([safe(cell) for cell in row] for row in data)
        return text.getvalue().encode()
