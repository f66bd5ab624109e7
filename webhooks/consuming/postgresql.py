"""Queues that are tables of PostgreSQL (PGMQ): in our own database, or in another.

Kombu reads ten of its own messages at a time, so we speak to PGMQ ourselves:
`SELECT pgmq.send('events', '{...}')` is all that a producer needs.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import OperationalError, connection
from psycopg.errors import (
    InsufficientPrivilege,
    InvalidSchemaName,
    UndefinedFunction,
    UndefinedTable,
)

from webhooks.consuming.brokers import (
    WAIT,
    Body,
    BrokerAway,
    NoQueue,
    unwrapped,
)

LEASE = 20  # seconds that others do not see what we took
POLL = 0.2  # seconds between two looks at an empty queue

TAKE = "SELECT msg_id, message::text FROM pgmq.read(%s, %s, %s) ORDER BY msg_id"
DONE = "SELECT count(*) FROM pgmq.delete(%s, %s::bigint[])"
GIVE_BACK = "SELECT pgmq.set_vt(%s, id, 0) FROM unnest(%s::bigint[]) AS id"


class QueueTable:
    """One queue, which must be there. `pgmq://` alone means our own database."""

    def __init__(self, url: str, queue: str) -> None:
        self.queue = queue
        self._where = url.partition("://")[2]
        self._line: psycopg.Connection[Any] | None = None
        self._taken: list[int] = []

    def open(self) -> None:
        with self._errors():
            self._line = self._connected()
            self._read(0)

    def take(self, most: int) -> Sequence[Body]:
        deadline = time.monotonic() + WAIT
        with self._errors():
            while not (rows := self._read(most)) and time.monotonic() < deadline:
                time.sleep(POLL)
        self._taken = [number for number, _ in rows]
        return [unwrapped(body) for _, body in rows]

    def done(self) -> None:
        self._execute(DONE)
        self._taken = []

    def close(self) -> None:
        try:
            if self._line and not self._line.broken:
                self._execute(GIVE_BACK)
        except BrokerAway:
            pass  # the lease will end
        if self._line:
            self._line.close()
        self._line, self._taken = None, []

    def _connected(self) -> psycopg.Connection[Any]:
        if self._where:
            address = f"postgresql://{self._where}"
            return psycopg.connect(address, autocommit=True, connect_timeout=5)
        ours = connection.copy()  # what we take is not part of any transaction
        ours.ensure_connection()
        line: psycopg.Connection[Any] = ours.connection
        return line

    def _read(self, most: int) -> list[tuple[int, str]]:
        if self._line is None:
            raise BrokerAway("There is no connection.")
        rows = self._line.execute(TAKE, [self.queue, LEASE, most]).fetchall()
        return [(number, body) for number, body in rows]

    def _execute(self, statement: str) -> None:
        with self._errors():
            if self._line and self._taken:
                self._line.execute(statement, [self.queue, self._taken])

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except UndefinedTable as error:
            said = f"There is no queue {self.queue}. SELECT pgmq.create('{self.queue}')"
            raise NoQueue(f"{said} makes it.") from error
        except (UndefinedFunction, InvalidSchemaName, InsufficientPrivilege) as error:
            raise NoQueue(str(error).partition("\n")[0]) from error
        except (psycopg.Error, OperationalError) as error:
            raise BrokerAway(str(error).partition("\n")[0]) from error
