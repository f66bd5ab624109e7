"""What can be done with endpoints and deliveries."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from referral_factory.errors import DomainError
from referral_factory.partitions import floor
from webhooks import outbox, secrets, signing
from webhooks.addresses import check_url
from webhooks.catalogue import ENDPOINT_DISABLED, PING, endpoint_fact
from webhooks.models import Delivery, Endpoint

ROTATION = timedelta(hours=24)  # how long the old secret still signs, too

# All that an endpoint wants, and that was never on its way to it; see outbox.WRITE.
MISSED = """
    INSERT INTO webhooks_delivery
        (id, message_id, endpoint_id, status, attempts, due_at, created_at)
    SELECT overlay(gen_random_uuid()::text PLACING left(message.id::text, 18)
            FROM 1)::uuid,
        message.id, endpoint.id, 'pending', 0, %(now)s, %(now)s
    FROM webhooks_endpoint endpoint
    JOIN webhooks_message message ON message.mode = endpoint.mode
    WHERE endpoint.id = %(endpoint)s AND message.id >= %(floor)s
        AND message.created_at >= %(since)s
        AND message.type <> 'ping'
        AND (endpoint.types = '{}' OR message.type = ANY (endpoint.types))
        AND (endpoint.campaign_ids = '{}' OR message.campaign_id IS NULL
            OR message.campaign_id = ANY (endpoint.campaign_ids))
    ON CONFLICT (message_id, endpoint_id) DO NOTHING
"""


class EndpointIsDisabled(DomainError):
    code = "endpoint_is_disabled"


def create_endpoint(*, mode: str, url: str, **fields: Any) -> tuple[Endpoint, str]:
    """A new destination, with the secret that it verifies messages by.

    The secret is shown this once.
    """
    check_url(url)
    secret = signing.new_secret()
    endpoint = Endpoint.objects.create(
        mode=mode, url=url, secret=secrets.encrypt(secret), **fields
    )
    return endpoint, secret


def change_endpoint(endpoint: Endpoint, **changes: Any) -> Endpoint:
    if "url" in changes:
        check_url(changes["url"])
    for name, value in changes.items():
        setattr(endpoint, name, value)
    endpoint.save(update_fields=list(changes))
    return endpoint


def rotate_secret(endpoint: Endpoint, *, now: datetime) -> str:
    """A new secret, shown this once; the old one signs as well for a day."""
    secret = signing.new_secret()
    change_endpoint(
        endpoint,
        old_secret=endpoint.secret,
        old_secret_until=now + ROTATION,
        secret=secrets.encrypt(secret),
    )
    return secret


@transaction.atomic
def disable_endpoint(endpoint: Endpoint, *, reason: str) -> Endpoint:
    """Send it nothing more until somebody enables it, and tell the other endpoints."""
    endpoint.move_to(Endpoint.Status.DISABLED, disabled_reason=reason)
    outbox.record(ENDPOINT_DISABLED.name, [endpoint_fact(endpoint)])
    return endpoint


@transaction.atomic
def enable_endpoint(endpoint: Endpoint) -> Endpoint:
    """Send to it again: also what was on its way when it was disabled."""
    endpoint.move_to(Endpoint.Status.ENABLED, disabled_reason="", failing_since=None)
    outbox.wake()
    return endpoint


@transaction.atomic
def delete_endpoint(endpoint: Endpoint, *, now: datetime) -> None:
    """It wants nothing any more. What was sent to it stays in the log."""
    change_endpoint(endpoint, deleted_at=now)
    endpoint.deliveries.filter(status=Delivery.Status.PENDING).update(
        status=Delivery.Status.FAILED, finished_at=now, lease_id=None, lease_until=None
    )


@transaction.atomic
def send_ping(endpoint: Endpoint) -> Delivery:
    """Send it a message that says nothing, whatever its filters."""
    if endpoint.status != Endpoint.Status.ENABLED:
        raise EndpointIsDisabled("Enable it first: nothing is sent to it as it is.")
    fact = endpoint_fact(endpoint)
    (message_id,) = outbox.record(PING.name, [fact], only=endpoint.pk)
    return Delivery.objects.get(message_id=message_id, endpoint=endpoint)


@transaction.atomic
def retry_delivery(delivery: Delivery, *, now: datetime) -> Delivery:
    """Try a failed one again at once; then by what is left of the schedule."""
    delivery.move_to(Delivery.Status.PENDING, due_at=now, finished_at=None)
    outbox.wake()
    return delivery


@transaction.atomic
def recover_endpoint(endpoint: Endpoint, *, since: datetime, now: datetime) -> int:
    """Send again all since then that never arrived; returns how many those are.

    That is what failed, and what was never meant for it because it was disabled, or
    its filters said so at the time. Without limit, and safe to repeat.
    """
    failed = Delivery.objects.filter(
        endpoint=endpoint,
        status=Delivery.Status.FAILED,
        message_id__gte=floor(since),
    )
    again = failed.update(
        status=Delivery.Status.PENDING, due_at=now, attempts=0, finished_at=None
    )
    with connection.cursor() as cursor:
        cursor.execute(
            MISSED,
            {
                "endpoint": endpoint.pk,
                "floor": floor(since),
                "since": since,
                "now": now,
            },
        )
        missed: int = cursor.rowcount
    outbox.wake()
    return again + missed


def disable_failing(endpoint_ids: set[UUID], *, reason: str) -> None:
    """Disable those that are not yet: their answers say that nobody is there."""
    with transaction.atomic():
        for endpoint in _enabled(endpoint_ids):
            disable_endpoint(endpoint, reason=reason)


def _enabled(endpoint_ids: set[UUID]) -> QuerySet[Endpoint]:
    return Endpoint.objects.select_for_update().filter(
        pk__in=endpoint_ids, status=Endpoint.Status.ENABLED
    )
