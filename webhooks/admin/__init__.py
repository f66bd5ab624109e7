"""Where messages go, what was sent, and how each try went, for staff."""

from webhooks.admin.deliveries import DeliveryAdmin, MessageAdmin
from webhooks.admin.endpoints import EndpointAdmin

__all__ = ["DeliveryAdmin", "EndpointAdmin", "MessageAdmin"]
