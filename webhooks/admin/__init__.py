"""Where messages go, how each try went, and what other systems sent, for staff."""

from webhooks.admin.arrivals import ArrivalAdmin
from webhooks.admin.deliveries import DeliveryAdmin, MessageAdmin
from webhooks.admin.endpoints import EndpointAdmin
from webhooks.admin.sources import SourceAdmin

__all__ = [
    "ArrivalAdmin",
    "DeliveryAdmin",
    "EndpointAdmin",
    "MessageAdmin",
    "SourceAdmin",
]
