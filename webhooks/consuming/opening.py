"""From what somebody typed to a queue and the road that it takes."""

from collections.abc import Callable
from uuid import UUID

from referral_factory.ids import InvalidId, from_public
from referrals.models import Campaign
from webhooks.consuming.brokers import Broker, NoQueue
from webhooks.consuming.postgresql import QueueTable
from webhooks.consuming.rabbitmq import RabbitMQ
from webhooks.consuming.redis_lists import RedisList
from webhooks.consuming.road import Road
from webhooks.models import Source

BROKERS: dict[str, Callable[[str, str], Broker]] = {
    "amqp": RabbitMQ,
    "amqps": RabbitMQ,
    "redis": RedisList,
    "rediss": RedisList,
    "pgmq": QueueTable,
}


def broker_of(url: str, queue: str) -> Broker:
    """NoQueue where the URL names no broker that we know."""
    scheme, there, _ = url.partition("://")
    if scheme not in BROKERS or not there:
        known = ", ".join(f"{name}://" for name in BROKERS)
        raise NoQueue(f"The URL of a broker starts with one of: {known}.")
    return BROKERS[scheme](url, queue)


def road_of(queue: str, campaign: str | None, source: str | None) -> Road:
    """NoQueue where nothing has this id, or the campaign takes no events yet."""
    if source:
        rows = Source.objects.select_related("campaign").filter(deleted_at=None)
        found = rows.filter(pk=uuid_of(Source.PREFIX, source)).first()
        owner = found.campaign if found else None
    else:
        found = None
        owner = Campaign.objects.filter(pk=uuid_of("cmp", campaign or "")).first()
    if owner is None:
        raise NoQueue(f"There is no {source or campaign}.")
    if owner.status == Campaign.Status.DRAFT:
        raise NoQueue(f"{owner.name} was not launched yet: it takes no events.")
    return Road(owner, queue, found)


def uuid_of(prefix: str, text: str) -> UUID:
    try:
        return from_public(prefix, text)
    except InvalidId as error:
        raise NoQueue(str(error)) from error
