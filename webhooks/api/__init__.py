"""Doors to endpoints and what is sent to them, and to sources and what they send."""

from webhooks.api.endpoints import (
    DeliveryViewSet,
    EndpointViewSet,
    MessageTypeViewSet,
    MessageViewSet,
)
from webhooks.api.sources import ArrivalViewSet, ReceiveView, SourceViewSet

__all__ = [
    "ArrivalViewSet",
    "DeliveryViewSet",
    "EndpointViewSet",
    "MessageTypeViewSet",
    "MessageViewSet",
    "ReceiveView",
    "SourceViewSet",
]
