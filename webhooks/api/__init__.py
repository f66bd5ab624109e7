"""Doors to endpoints and what is sent to them, and to sources and what they send."""

from webhooks.api.endpoints import (
    DeliveryViewSet,
    EndpointViewSet,
    MessageTypeViewSet,
    MessageViewSet,
)

__all__ = [
    "DeliveryViewSet",
    "EndpointViewSet",
    "MessageTypeViewSet",
    "MessageViewSet",
]
