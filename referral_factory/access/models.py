"""Who may call us: API keys, what they did, and how often."""

from collections.abc import Collection
from datetime import datetime
from typing import Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from referral_factory.ids import Identified


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def within(self, campaign_ids: Collection[UUID]) -> Self:
        """Keys that reach no further than these campaigns; all of them if empty."""
        if not campaign_ids:
            return self
        return self.filter(
            campaign_ids__contained_by=list(campaign_ids), campaign_ids__len__gt=0
        )


class ApiKey(Identified):
    """A secret that a backend calls us with. Only a hash of it is stored."""

    PREFIX = "key"

    class Mode(models.TextChoices):
        LIVE = "live"
        TEST = "test"

    name = models.CharField(max_length=200)
    mode = models.CharField(max_length=4, choices=Mode)
    lookup = models.CharField(max_length=16, unique=True)  # the start of the key
    secret_hash = models.CharField(max_length=64)  # SHA-256 of the whole key, hex
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    campaign_ids = ArrayField(
        models.UUIDField(), default=list, blank=True
    )  # empty: all
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)  # to the minute

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(
                name="key_is_of_live_or_test_mode",
                condition=models.Q(mode__in=["live", "test"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.start}…)"

    @property
    def start(self) -> str:
        """The part of the key that may be shown, so that people can tell keys apart."""
        return f"rf_{self.mode}_{self.lookup}"

    def works(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (
            self.expires_at is None or now < self.expires_at
        )


class IdempotencyKey(models.Model):
    """The answer to a write, stored in the transaction of its effect."""

    pk = models.CompositePrimaryKey("api_key_id", "key")
    api_key_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    key = models.CharField(max_length=255)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=2000)
    request_hash = models.CharField(max_length=64)  # SHA-256 of all of the request, hex
    status = models.PositiveSmallIntegerField()
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            # For the purge of old answers.
            models.Index(name="idempotency_key_age", fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return self.key


class CallCount(models.Model):
    """Calls of one caller in one window. The table is UNLOGGED: a crash forgets it."""

    pk = models.CompositePrimaryKey("caller", "window")
    caller = models.CharField(max_length=100)
    window = models.DateTimeField()
    count = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.caller}: {self.count}"
