"""Which form an answer takes: nearly always JSON, for whoever takes anything."""

from collections.abc import Iterable

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

JSON = "application/json"
TAKES_JSON = {"*/*", JSON}


class QuickNegotiation(DefaultContentNegotiation):
    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        renderers = list(renderers)
        first, takes = renderers[0], request.META.get("HTTP_ACCEPT", "*/*")
        if takes in TAKES_JSON and first.media_type == JSON and not format_suffix:
            return first, JSON
        found: tuple[BaseRenderer, str] = super().select_renderer(
            request, renderers, format_suffix
        )
        return found
