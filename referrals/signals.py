"""What this app announces. Each is sent inside the transaction, with `instances`."""

from django.dispatch import Signal

campaign_launched = Signal()
campaign_paused = Signal()
campaign_resumed = Signal()
campaign_ended = Signal()
campaign_copied = Signal()  # `instances` are new; with `copied_from`, and `by` whom

participant_created = Signal()
participant_updated = Signal()
participant_blocked = Signal()
participant_unblocked = Signal()
participant_erased = Signal()
participant_merged = Signal()  # `instances` are the rows that are left behind

join_requested = Signal()  # a mailbox is to be confirmed; `instances` of JoinRequest

# With `as_written`, where the instances are whole, and as they are in the database.
referral_created = Signal()
referral_holding = Signal()
referral_qualified = Signal()
referral_disqualified = Signal()
referral_reopened = Signal()
referral_expired = Signal()
# It stays, and a person is to look at its rewards: with `reasons` by id, and `now`.
referral_reversed = Signal()

event_unmatched = Signal()
