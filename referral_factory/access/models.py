"""Who may call us: API keys, what they did, and how often."""

from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from referral_factory.ids import Identified


class ApiKey(Identified):
    """A secret that a backend calls us with. Only a hash of it is stored."""

    PREFIX = "key"

    name = models.CharField(max_length=200)
    mode = models.CharField(max_length=4, choices=[("live", "live"), ("test", "test")])
    lookup = models.CharField(max_length=16, unique=True)  # the start of the key
    secret_hash = models.CharField(max_length=64)  # SHA-256 of the whole key, hex
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    campaign_ids = ArrayField(models.UUIDField(), default=list, blank=True)  # empty: all
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)  # to the minute

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} (rf_{self.mode}_{self.lookup}…)"


class IdempotencyKey(models.Model):
    """The answer to a write, stored in the transaction of its effect."""

    api_key_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    key = models.CharField(max_length=255)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=2000)
    body_hash = models.CharField(max_length=64)  # SHA-256 of the request's body, hex
    status = models.PositiveSmallIntegerField()
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="idempotency_key_is_answered_once", fields=["api_key_id", "key"]
            ),
        ]
        indexes = [
            # For the purge of old answers.
            models.Index(name="idempotency_key_age", fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return self.key


class CallCount(models.Model):
    """Calls in one window of one caller. The table is UNLOGGED: a crash may forget it."""

    caller = models.CharField(max_length=100)
    window = models.DateTimeField()
    count = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="calls_are_counted_once_per_window", fields=["caller", "window"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.caller}: {self.count}"
