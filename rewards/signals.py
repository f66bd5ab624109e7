"""What this app announces. Each is sent inside the transaction, with `instances`."""

from django.dispatch import Signal

reward_created = Signal()
reward_flagged = Signal()
reward_approved = Signal()
reward_rejected = Signal()
reward_issued = Signal()
reward_cancelled = Signal()
reward_clawed_back = Signal()
