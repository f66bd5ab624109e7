"""Queues of real brokers, as a customer's system fills them."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import psycopg
import pytest
from django.db import connection
from kombu import Connection
from redis import Redis as RedisClient

from referrals.models import Campaign
from tests.long.brokers import RabbitMQ, Redis
from webhooks.consuming.brokers import Broker
from webhooks.consuming.opening import broker_of

QUEUE = "orders"


class Queue(Protocol):
    """One queue of a real broker, from its producer's side."""

    url: str

    def send(self, *bodies: bytes | str) -> None: ...

    def count(self) -> int:
        """Messages that nobody has taken."""
        ...


class InRedis:
    def __init__(self, url: str) -> None:
        self.url = url
        self.client = RedisClient.from_url(url)

    def send(self, *bodies: bytes | str) -> None:
        self.client.lpush(QUEUE, *bodies)

    def count(self) -> int:
        return int(self.client.llen(QUEUE))

    def close(self) -> None:
        self.client.close()


class InRabbitMQ:
    def __init__(self, url: str) -> None:
        self.url = url
        self.connection = Connection(url)
        channel: Any = self.connection.channel()
        channel.queue_declare(QUEUE, durable=True, auto_delete=False)
        self.channel = channel

    def send(self, *bodies: bytes | str) -> None:
        producer = self.connection.Producer(self.channel)
        for body in bodies:
            producer.publish(
                body,
                routing_key=QUEUE,
                content_type="application/json",
                content_encoding="utf-8",
            )

    def count(self) -> int:
        found = self.channel.queue_declare(QUEUE, passive=True)
        return int(found.message_count)

    def drop(self) -> None:
        self.channel.queue_delete(QUEUE)
        self.close()

    def close(self) -> None:
        self.connection.release()


class InPostgreSQL:
    """In our own database. Its producer is another program with its own connection."""

    url = "pgmq://"

    def __init__(self, line: "psycopg.Connection[Any]") -> None:
        self.line = line
        line.execute("SELECT pgmq.create(%s)", [QUEUE])

    def send(self, *bodies: bytes | str) -> None:
        texts = [b if isinstance(b, str) else b.decode() for b in bodies]
        self.line.execute(
            "SELECT pgmq.send_batch(%s, %s::text[]::jsonb[])", [QUEUE, texts]
        )

    def count(self) -> int:
        found = self.line.execute("SELECT queue_length FROM pgmq.metrics(%s)", [QUEUE])
        row = found.fetchone()
        assert row is not None
        return int(row[0])


@contextmanager
def in_redis(request: pytest.FixtureRequest) -> Iterator[InRedis]:
    """In the server of the fixture `redis`, which has nothing else in it."""
    broker: Redis = request.getfixturevalue("redis")
    broker.empty()
    queue = InRedis(broker.url)
    yield queue
    queue.close()


@contextmanager
def in_rabbitmq(request: pytest.FixtureRequest) -> Iterator[InRabbitMQ]:
    """In the server of the fixture `rabbitmq`."""
    broker: RabbitMQ = request.getfixturevalue("rabbitmq")
    queue = InRabbitMQ(broker.url)
    yield queue
    queue.drop()


@contextmanager
def in_postgresql(request: object) -> Iterator[InPostgreSQL]:
    other = connection.copy()
    other.ensure_connection()
    line = other.connection
    try:
        yield InPostgreSQL(line)
    finally:
        line.execute("SELECT pgmq.drop_queue(%s)", [QUEUE])
        other.close()


# How each test of a queue is run three times: as parameters of a fixture.
KINDS: dict[str, Callable[[Any], AbstractContextManager[Queue]]] = {
    "redis": in_redis,
    "rabbitmq": in_rabbitmq,
    "pgmq": in_postgresql,
}


@contextmanager
def opened(queue: Queue) -> Iterator[Broker]:
    broker = broker_of(queue.url, QUEUE)
    broker.open()
    try:
        yield broker
    finally:
        broker.close()


def order(number: int, **changes: Any) -> str:
    """What a shop puts into its queue when somebody buys."""
    body = {
        "event_id": f"order-{number}",
        "name": "purchase",
        "participant": {"external_id": f"c-{number}"},
        "amount": "25.00",
        "currency": "USD",
    }
    return json.dumps({**body, **changes})


def recorded(campaign: Campaign) -> list[str]:
    return sorted(campaign.events.values_list("event_id", flat=True))
