"""Telling the outside world: destinations, messages, and each try to deliver one.
And hearing it: sources, and what arrived from them."""

from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from referral_factory.ids import Identified
from referral_factory.states import Stateful
from referrals.models import Campaign, Event


class Endpoint(Identified, Stateful):
    """A destination that wants our messages."""

    PREFIX = "whe"

    class Status(models.TextChoices):
        ENABLED = "enabled"
        DISABLED = "disabled"

    TRANSITIONS = {
        Status.ENABLED: {Status.DISABLED},
        Status.DISABLED: {Status.ENABLED},
    }

    mode = models.CharField(max_length=4)  # messages of campaigns of this mode
    url = models.URLField(max_length=2000)
    description = models.CharField(max_length=500, blank=True)
    types = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    campaign_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    headers: "models.JSONField[dict[str, str], dict[str, str]]" = models.JSONField(
        default=dict, blank=True
    )
    status = models.CharField(max_length=20, choices=Status, default=Status.ENABLED)
    disabled_reason = models.CharField(max_length=200, blank=True)
    secret = models.TextField()  # encrypted; see secrets.py
    old_secret = models.TextField(blank=True)  # signs too, until old_secret_until
    old_secret_until = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="disabled_endpoint_says_why",
                condition=Q(status="enabled") | ~Q(disabled_reason=""),
            ),
        ]

    def __str__(self) -> str:
        return self.url


class Message(Identified):
    """A fact, as subscribers see it. Never updated, but for its position in the feed.

    Partitioned by its UUIDv7 key and dropped by retention.
    """

    PREFIX = "msg"

    mode = models.CharField(max_length=4)
    campaign_id: "models.UUIDField[UUID | None, UUID | None]" = models.UUIDField(
        null=True  # endpoint.disabled and ping belong to no campaign
    )
    type = models.CharField(max_length=60)
    object_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    sequence = models.PositiveIntegerField()  # grows by one per object
    body = models.TextField()  # the very bytes that are signed and sent
    position = models.BigIntegerField(null=True)  # in the feed; given after the commit
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        indexes = [
            # For the numberer, which reads nothing but messages without a position.
            models.Index(
                name="message_unnumbered", fields=["id"], condition=Q(position=None)
            ),
            # For the change feed.
            models.Index(name="message_feed", fields=["position"]),
            # For the timeline of one object.
            models.Index(name="message_of_object", fields=["object_id", "sequence"]),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"


class MessageCount(models.Model):
    """How many messages an object has had: the source of `sequence`."""

    object_id = models.UUIDField(primary_key=True)
    count = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.object_id}: {self.count}"


class Delivery(Identified, Stateful):
    """One message on its way to one endpoint.

    Partitioned by message_id; the database's key is (message_id, endpoint_id): once
    per endpoint. The row is history and work queue in one: `due_at` says when it is
    tried next, `lease_until` who has it now.
    """

    PREFIX = "dlv"

    class Status(models.TextChoices):
        PENDING = "pending"  # to be tried at due_at
        DELIVERED = "delivered"
        FAILED = "failed"  # no more tries, unless somebody asks for one

    TRANSITIONS = {
        Status.PENDING: {Status.DELIVERED, Status.FAILED},
        Status.FAILED: {Status.PENDING},
    }

    message_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    endpoint = models.ForeignKey(
        Endpoint,
        models.PROTECT,
        related_name="deliveries",
        db_index=False,  # delivery_of_endpoint serves
    )
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    # Counted when it is claimed, so that a try which killed its dispatcher counts too.
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    lease_id = models.UUIDField(null=True)  # fences a late finisher off
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                name="message_is_delivered_once_per_endpoint",
                fields=["message_id", "endpoint"],
            ),
            models.CheckConstraint(
                name="finished_delivery_says_when",
                condition=Q(status="pending") | Q(finished_at__isnull=False),
            ),
        ]
        indexes = [
            # For the dispatcher's claim: the hot queue, nothing but pending rows.
            models.Index(
                name="delivery_due",
                fields=["endpoint", "due_at", "message_id"],
                condition=Q(status="pending"),
            ),
            # For one delivery by its id, and for an endpoint's log.
            models.Index(name="delivery_by_id", fields=["id"]),
            models.Index(name="delivery_of_endpoint", fields=["endpoint", "id"]),
        ]

    def __str__(self) -> str:
        return self.public_id


class Attempt(Identified):
    """One try of one delivery. Append-only, partitioned by its UUIDv7 key."""

    PREFIX = "att"

    delivery_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    number = models.PositiveSmallIntegerField()
    status_code = models.PositiveSmallIntegerField(null=True)  # null: no answer
    error = models.CharField(max_length=300, blank=True)
    latency_ms = models.PositiveIntegerField()
    response_body = models.TextField(blank=True)  # the first 16 kB
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(name="attempt_of_delivery", fields=["delivery_id", "id"]),
        ]

    def __str__(self) -> str:
        return self.public_id


class Source(Identified):
    """A system that reports events: how we know it, and how to read what it says."""

    PREFIX = "src"

    class Verification(models.TextChoices):
        STANDARD_WEBHOOKS = "standard_webhooks", "Standard Webhooks"
        HMAC = "hmac", "HMAC signature"  # made as its `scheme` says
        BEARER = "bearer", "Bearer token"
        NONE = "none", "None (test mode only)"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="sources")
    name = models.CharField(max_length=200)
    verification = models.CharField(max_length=20, choices=Verification)
    # How its signatures are made: see sources/schemes.py. Empty but for `hmac`.
    scheme: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict, blank=True
    )
    # The newest first: {"secret": encrypted, "until": a time, or null while it holds}.
    secrets: "models.JSONField[list[dict[str, Any]], list[dict[str, Any]]]" = (
        models.JSONField(default=list, blank=True)
    )
    # Field of an event -> expression over body, headers and query: sources/mapping.py.
    mapping: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict, blank=True
    )
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="hmac_source_has_its_scheme",
                condition=~Q(verification="hmac") | ~Q(scheme={}),
            ),
            models.CheckConstraint(
                name="verified_source_has_a_secret",
                condition=Q(verification="none") | ~Q(secrets=[]),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Arrival(Identified, Stateful):
    """Something that came from a source, and what became of it.

    Partitioned by its UUIDv7 key and dropped by retention. Its body is kept so that it
    can be read again, once its mapping was put right: but only of who proved to be the
    source, and only the first time.
    """

    PREFIX = "arr"

    class Road(models.TextChoices):
        WEBHOOK = "webhook"
        QUEUE = "queue"

    class Status(models.TextChoices):
        RECORDED = "recorded"  # became an event
        REPEATED = "repeated"  # its event was known: nothing happened
        IGNORED = "ignored"  # its mapping says that it is not for us
        REFUSED = "refused"  # the code and the reason say why

    # By a replay; what became an event stays so.
    TRANSITIONS = {
        Status.REFUSED: {Status.RECORDED, Status.REPEATED, Status.IGNORED},
        Status.IGNORED: {Status.RECORDED, Status.REPEATED, Status.REFUSED},
    }

    campaign = models.ForeignKey(
        Campaign, models.PROTECT, related_name="+", db_index=False
    )
    source = models.ForeignKey(  # null: a queue that is read without one
        Source,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="arrivals",
        db_index=False,  # arrival_of_source serves
    )
    road = models.CharField(max_length=10, choices=Road, default=Road.WEBHOOK)
    status = models.CharField(max_length=20, choices=Status)
    code = models.CharField(max_length=60, blank=True)  # stable; of a refusal
    reason = models.CharField(max_length=1000, blank=True)  # for people
    event = models.ForeignKey(
        Event,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,  # arrival_of_event serves
    )
    content_type = models.CharField(max_length=200, blank=True)
    headers: "models.JSONField[dict[str, str], dict[str, str]]" = models.JSONField(
        default=dict  # by their names in small letters, without those that are secret
    )
    query = models.TextField(blank=True)  # as it stood in the URL
    body: "models.BinaryField[bytes | None, bytes | memoryview | None]" = (
        models.BinaryField(
            null=True  # the very bytes; null: never kept, or erased
        )
    )
    size = models.PositiveIntegerField(default=0)  # of the body, in bytes
    address = models.GenericIPAddressField(null=True, blank=True)  # who sent it
    received_at = models.DateTimeField(default=timezone.now)
    replayed_at = models.DateTimeField(null=True, blank=True)  # the last time

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="refused_arrival_says_why",
                condition=~Q(status="refused") | (~Q(code="") & ~Q(reason="")),
            ),
            models.CheckConstraint(
                name="recorded_arrival_names_its_event",
                condition=~Q(status__in=["recorded", "repeated"])
                | Q(event__isnull=False),
            ),
        ]
        indexes = [
            # For a source's log.
            models.Index(name="arrival_of_source", fields=["source", "id"]),
            # For the erasure of a person, and for an event's origin.
            models.Index(
                name="arrival_of_event",
                fields=["event"],
                condition=Q(event__isnull=False),
            ),
            # For what waits for somebody to put it right.
            models.Index(
                name="arrival_refused", fields=["id"], condition=Q(status="refused")
            ),
        ]

    def __str__(self) -> str:
        return self.public_id
