"""What your system reports about a participant."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from referral_factory import money
from referral_factory.ids import Identified
from referrals.models.campaign import Campaign
from referrals.models.participant import Participant
from referrals.models.referral import Referral


class Event(Identified):
    """Something your system says that a person did, with what was decided about it.

    Once per (campaign, event id), for ever: the table is never partitioned or pruned.
    """

    PREFIX = "evt"

    class Outcome(models.TextChoices):
        QUALIFIED = "qualified"  # the milestone; the referral counts
        HOLDING = "holding"  # the milestone; waiting out the holding period
        COUNTED = "counted"  # towards a count or a sum
        RECORDED = "recorded"  # kept; it decides nothing
        NOT_MATCHED = "not_matched"  # the milestone's name, but a condition is false
        UNMATCHED = "unmatched"  # nobody, or no referral, that it could belong to yet
        REVERSED = "reversed"  # took an earlier event back

    campaign = models.ForeignKey(  # its index is event_is_recorded_once
        Campaign, models.PROTECT, related_name="events", db_index=False
    )
    event_id = models.CharField(max_length=200)  # the reporting system's own id
    # The road it came in by: "api", "src_...", "imp_...", "user:name".
    source = models.CharField(max_length=80, blank=True, default="", db_default="")
    name = models.CharField(max_length=100)
    # Whom it names, "external_id:c-17" or "email:ada@example.com" (the canonical
    # form), so that it can be matched when they arrive. Empty when they were known.
    person = models.CharField(max_length=270, blank=True)
    # That these exist, in this campaign, is for the keys of both columns to see to:
    # see campaign_keys.py.
    participant = models.ForeignKey(
        Participant,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="events",
        db_constraint=False,
    )
    referral = models.ForeignKey(
        Referral,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="events",
        db_constraint=False,
    )
    amount = models.DecimalField(
        max_digits=money.MAX_DIGITS,
        decimal_places=money.DECIMAL_PLACES,
        null=True,
        blank=True,
    )
    currency = models.CharField(max_length=3, blank=True)
    properties: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict
    )
    reverses = models.CharField(
        max_length=200, blank=True
    )  # the event id it takes back
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=20, choices=Outcome)
    # Whether it counts towards its referral's milestone, by the rules of its decision.
    # Also after the referral qualified, and net of what was taken back of it: so a
    # refund of one order leaves the others standing.
    counts = models.BooleanField(default=False, db_default=False)
    # The MilestoneVersion that it was judged by.
    rules_version = models.PositiveIntegerField(default=0, db_default=0)
    # The ordered checks with what each saw: {"checks": [...]}.
    decision: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="event_is_recorded_once", fields=["campaign", "event_id"]
            ),
            models.CheckConstraint(
                name="event_amount_is_not_negative",
                condition=Q(amount__isnull=True) | Q(amount__gte=0),
            ),
            models.CheckConstraint(
                name="event_amount_has_its_currency",
                condition=Q(amount__isnull=True) | ~Q(currency=""),
            ),
        ]
        indexes = [
            # For what takes an event back, in either order of arrival.
            models.Index(
                name="event_reversals",
                fields=["campaign", "reverses"],
                condition=~Q(reverses=""),
            ),
            # For what somebody did before they arrived.
            models.Index(
                name="event_of_nobody_known",
                fields=["campaign", "person"],
                condition=Q(participant=None),
            ),
            # For the list of what is unmatched, newest first.
            models.Index(
                name="event_unmatched_list",
                fields=["campaign", "-id"],
                condition=Q(outcome="unmatched"),
            ),
            # For what came in by one source or file: all roads but the API.
            models.Index(
                name="event_of_source",
                fields=["source", "-id"],
                condition=~Q(source__in=["", "api"]),
            ),
            models.Index(
                name="event_unmatched",
                fields=["participant"],
                condition=Q(outcome="unmatched"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.event_id}"
