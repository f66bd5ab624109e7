"""Queues of RabbitMQ and whatever else speaks AMQP 0.9.1."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from amqp.exceptions import AccessRefused, AMQPError, NotAllowed, NotFound
from kombu import Connection, Consumer, Queue
from kombu.message import Message

from webhooks.consuming.brokers import GATHER, WAIT, Body, BrokerAway, NoQueue

HEARTBEAT = 20  # seconds; a broker that is silent for twice as long is away
PREFETCH = 1000  # messages that wait here while a batch is recorded


class RabbitMQ:
    """One queue, which must be there. A broker takes back what a lost consumer had."""

    def __init__(self, url: str, queue: str) -> None:
        self.url, self.queue = url, queue
        self._connection = self._fresh()
        self._broken = False
        self._waiting: list[Message] = []  # received, and not taken yet
        self._last: Message | None = None  # that was taken

    def open(self) -> None:
        self._connection, self._broken = self._fresh(), False
        with self._errors():
            self._connection.connect()
            channel: Any = self._connection.channel()
            channel.queue_declare(self.queue, passive=True)
            channel.basic_qos(0, PREFETCH, a_global=False)
            consumer = Consumer(
                channel,
                [Queue(self.queue, no_declare=True)],
                on_message=self._waiting.append,
                auto_declare=False,
            )
            consumer.consume()

    def take(self, most: int) -> Sequence[Body]:
        with self._errors():
            self._connection.heartbeat_check()
            if not self._waiting:
                self._receive(WAIT, 1)
            if self._waiting:
                self._receive(GATHER, most)
        taken, self._waiting[:] = self._waiting[:most], self._waiting[most:]
        self._last = taken[-1] if taken else None
        return [message.body or "" for message in taken]

    def done(self) -> None:
        with self._errors():
            if self._last:
                self._last.ack(multiple=True)
        self._last = None

    def close(self) -> None:
        if self._broken:
            self._connection.collect()  # a broker that is away says no good-bye
        else:
            self._connection.release()
        self._waiting.clear()
        self._last = None

    def _fresh(self) -> Connection:
        return Connection(self.url, heartbeat=HEARTBEAT, connect_timeout=5)

    def _receive(self, seconds: float, enough: int) -> None:
        deadline = time.monotonic() + seconds
        while len(self._waiting) < enough:
            left = deadline - time.monotonic()
            if left <= 0:
                return
            try:
                self._connection.drain_events(timeout=left)
            except TimeoutError:
                return

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (NotFound, AccessRefused, NotAllowed) as error:
            raise NoQueue(str(error)) from error
        except (AMQPError, OSError) as error:
            self._broken = True
            raise BrokerAway(str(error) or type(error).__name__) from error
