"""What happened to a referral, one row for each move. Never updated."""

from django.db import models
from django.utils import timezone

from referral_factory.ids import Identified
from referrals.models.event import Event
from referrals.models.referral import Referral


class ReferralChange(Identified):
    """One move of a referral from one status to the next, with its reason."""

    PREFIX = "chg"

    referral = models.ForeignKey(  # its index is referral_changes
        Referral, models.PROTECT, related_name="changes", db_index=False
    )
    from_status = models.CharField(max_length=20, choices=Referral.Status)
    to_status = models.CharField(max_length=20, choices=Referral.Status)
    reason = models.CharField(max_length=500, blank=True)
    decided_by = models.CharField(max_length=80)
    event = models.ForeignKey(  # what brought it about, where an event did
        Event, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    at = models.DateTimeField()  # in the campaign's time
    made_at = models.DateTimeField(default=timezone.now)  # by the wall clock

    class Meta:
        ordering = ["id"]
        indexes = [
            # For the timeline of one referral.
            models.Index(name="referral_changes", fields=["referral", "id"]),
        ]

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"
