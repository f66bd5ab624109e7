"""A trial of other rules, how far it is, and what it found."""

from typing import Any
from uuid import UUID

from django.db import models
from django.utils import timezone

from referral_factory.ids import Identified, from_public
from referral_factory.states import Stateful
from referrals.models import Campaign, Event, Referral


class Backtest(Identified, Stateful):
    """Rules that are tried on what happened in a campaign.

    `position`, the counts and the changes move together, in one transaction for each
    chunk of referrals: a worker that is killed leaves a position that is true.
    """

    PREFIX = "bkt"

    class Status(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"  # these rules cannot be tried
        CANCELLED = "cancelled"

    TRANSITIONS = {Status.RUNNING: {Status.DONE, Status.FAILED, Status.CANCELLED}}

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="backtests")
    status = models.CharField(max_length=20, choices=Status, default=Status.RUNNING)
    # What is tried, and what held when it was asked for: see rules.py.
    tried: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField()
    held: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField()
    # Which referrals: those made, or whose friend did something, between these.
    begins_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    position = models.UUIDField(
        null=True, blank=True
    )  # the last referral that was read
    done_referrals = models.PositiveIntegerField(default=0)
    done_events = models.PositiveBigIntegerField(default=0)
    total_referrals = models.PositiveIntegerField(default=0)
    counts: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict
    )
    error = models.CharField(max_length=500, blank=True)
    made_by = models.CharField(max_length=80)  # "key:key_..." or "user:name"
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)  # by the wall clock
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="finished_backtest_says_when",
                condition=models.Q(status="running")
                | models.Q(finished_at__isnull=False),
            ),
            models.CheckConstraint(
                name="failed_backtest_says_why",
                condition=~models.Q(status="failed") | ~models.Q(error=""),
            ),
        ]
        indexes = [
            # For workers that look for something to do.
            models.Index(
                name="backtest_to_do",
                fields=["id"],
                condition=models.Q(status="running"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign}, {self.created_at:%-d %b %Y, %H:%M} UTC"


class BacktestChange(models.Model):
    """A referral of which something else would have become, and why."""

    class Kind(models.TextChoices):
        QUALIFIES = "qualifies"  # it would have counted, and does not
        NO_LONGER = "no_longer"  # it counts, and would not have
        OTHER = "other"  # it counts neither way, and would stand elsewhere

    backtest = models.ForeignKey(  # its index is the constraint's
        Backtest, models.CASCADE, related_name="changes", db_index=False
    )
    referral = models.ForeignKey(Referral, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    really = models.CharField(max_length=20, choices=Referral.Status)
    tried = models.CharField(max_length=20, choices=Referral.Status)
    # What decided each: {"event", "reason", "really": {...}, "tried": {...}}.
    why: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField()
    # [{"side", "amount", "currency"}]
    rewards_really: "models.JSONField[list[Any], list[Any]]" = models.JSONField()
    rewards_tried: "models.JSONField[list[Any], list[Any]]" = models.JSONField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                name="referral_changes_once_per_backtest",
                fields=["backtest", "referral"],
            ),
        ]
        indexes = [
            # For the pages of what changes.
            models.Index(name="backtest_changes", fields=["backtest", "id"]),
        ]

    def __str__(self) -> str:
        return f"{self.really} → {self.tried}"

    @property
    def event_key(self) -> UUID | None:
        """Of the event that makes the difference, where one does."""
        event = self.why["event"]
        return from_public(Event.PREFIX, event) if event else None
