"""What a queue must be able to do for us, whichever program keeps it."""

import base64
import json
import uuid
from collections.abc import Sequence
from typing import Protocol

Body = str | bytes


class BrokerAway(Exception):
    """The broker does not answer. It may come back: try again."""


class NoQueue(Exception):
    """There is no such queue, or we may not read it: waiting would change nothing."""


class Broker(Protocol):
    """One queue of a broker.

    What is taken stays with us until `done`. Who is killed, or closes, before that
    gives it back: nothing is lost, and some of it may be taken twice.
    """

    def open(self) -> None: ...

    def take(self, most: int) -> Sequence[Body]:
        """Up to so many messages, the oldest first; none after a second without any."""
        ...

    def done(self) -> None:
        """All that was taken is ours to keep: the queue may forget it."""
        ...

    def close(self) -> None: ...


WAIT = 1.0  # seconds for a first message
GATHER = 0.05  # seconds more for others, so that they are recorded together


def own_name() -> str:
    """A name for this consumer, among all that read the same queue."""
    return uuid.uuid4().hex


def unwrapped(message: Body) -> Body:
    """What was sent: kombu and Celery put a message into an envelope of JSON."""
    mark = b'"body_encoding"' if isinstance(message, bytes) else '"body_encoding"'
    if mark not in message:  # type: ignore[operator]
        return message
    try:
        envelope = json.loads(message)
        encoding = envelope["properties"]["body_encoding"]
        body = envelope["body"]
        if not isinstance(body, str):
            return message
        return base64.b64decode(body) if encoding == "base64" else body
    except (ValueError, KeyError, TypeError, RecursionError):
        return message  # no envelope after all; who reads it says what is wrong
