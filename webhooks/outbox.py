"""Messages and their deliveries, written in the caller's transaction.

Either the change and what is told of it are committed together, or neither is. A batch
of any size costs one statement.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from referral_factory import prepared
from referral_factory.ids import new_id, to_public
from referral_factory.wire import as_json, moment_as_text
from referrals.showing import campaign_id
from webhooks.models import Message

CHANNEL = "deliveries"  # what the dispatcher listens on

# A message has the number that its object has come to; `left` of that object follow it
# in this batch. The rows of the numbers stay locked until the end of the transaction,
# so that those of one object are committed in order; and they are sorted, so that two
# batches never wait for each other in a circle.
#
# A delivery's id begins as its message's does, so that both sort alike, and goes on
# with a hash of what there is one delivery for: chance costs more.
WRITE = """
    WITH fact AS (
        SELECT * FROM json_to_recordset(%(facts)s::json) AS fact (
            id uuid, type text, mode text, campaign_id uuid, object_id uuid, "left" int,
            head text, tail text
        )
    ), counted AS (
        INSERT INTO webhooks_messagecount AS known (object_id, count)
        SELECT object_id, count(*) FROM fact GROUP BY object_id ORDER BY object_id
        ON CONFLICT (object_id) DO UPDATE SET count = known.count + excluded.count
        RETURNING object_id, count
    ), message AS (
        INSERT INTO webhooks_message
            (id, mode, campaign_id, object_id, sequence, body, type, created_at)
        SELECT fact.id, mode, campaign_id, object_id, count - "left",
            head || (count - "left") || tail, type, %(now)s::timestamptz
        FROM fact JOIN counted USING (object_id)
        RETURNING id, type, mode, campaign_id
    ), delivery AS (
        INSERT INTO webhooks_delivery
            (id, message_id, endpoint_id, status, attempts, due_at, created_at)
        SELECT overlay(md5(message.id::text || endpoint.id::text)
                PLACING left(message.id::text, 20) FROM 1 FOR 17)::uuid,
            message.id, endpoint.id, 'pending', 0, %(now)s, %(now)s
        FROM message
        JOIN webhooks_endpoint endpoint ON endpoint.mode = message.mode
        WHERE endpoint.status = 'enabled' AND endpoint.deleted_at IS NULL
            AND CASE WHEN %(only)s::uuid IS NOT NULL THEN endpoint.id = %(only)s
                ELSE (endpoint.types = '{}' OR message.type = ANY (endpoint.types))
                    AND (endpoint.campaign_ids = '{}' OR message.campaign_id IS NULL
                        OR message.campaign_id = ANY (endpoint.campaign_ids)) END
    )
    SELECT pg_notify(%(channel)s, '')
"""


class Fact(NamedTuple):
    """What a message says: the object that it is about, as GET shows it."""

    object_id: UUID
    mode: str
    campaign_id: UUID | None  # None: about the installation; every campaign's concern
    data: Mapping[str, Any]


_together: ContextVar[list[dict[str, Any]] | None] = ContextVar(
    "messages that are written together", default=None
)


@contextmanager
def together() -> Iterator[None]:
    """A transaction, or a part of one, whose messages one statement writes at its end.

    Nothing within may be rolled back without the whole: it would be told of still.
    """
    with nullcontext() if connection.in_atomic_block else transaction.atomic():
        rows: list[dict[str, Any]] = []
        token = _together.set(rows)
        try:
            yield
        finally:
            _together.reset(token)
        _write(rows)


def record(
    message_type: str, facts: Sequence[Fact], *, only: UUID | None = None
) -> list[UUID]:
    """Write a message for each fact, and a delivery for each endpoint that wants it.

    With `only`, it goes to that endpoint, whatever its filters say. Returns the
    messages' ids.
    """
    shared = {"type": message_type, "timestamp": moment_as_text(timezone.now())}
    rows = [_row(shared, fact) for fact in facts]
    waiting = _together.get()
    if waiting is None or only:
        _write(rows, only=only)
    else:
        waiting += rows
    return [row["id"] for row in rows]


def _write(rows: Sequence[dict[str, Any]], *, only: UUID | None = None) -> None:
    if not rows:
        return
    left = Counter(row["object_id"] for row in rows)
    for row in rows:
        left[row["object_id"]] -= 1
        row["left"] = left[row["object_id"]]
    values = {
        "facts": as_json(rows).decode(),
        "now": timezone.now(),
        "only": only,
        "channel": CHANNEL,
    }
    prepared.execute(WRITE, values)


def wake() -> None:
    """Tell dispatchers, at the commit, that something is due."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def _row(shared: Mapping[str, Any], fact: Fact) -> dict[str, Any]:
    message_id = new_id()
    head, tail = _body(shared, message_id, fact)
    return {
        "id": message_id,
        "type": shared["type"],
        "mode": fact.mode,
        "campaign_id": fact.campaign_id,
        "object_id": fact.object_id,
        "head": head,
        "tail": tail,
    }


def _body(shared: Mapping[str, Any], message_id: UUID, fact: Fact) -> tuple[str, str]:
    """The text that is signed and sent, its data rendered as the API renders it: what
    stands before and after the number, which the database knows."""
    campaign = fact.campaign_id and campaign_id(fact.campaign_id)
    envelope = {
        **shared,
        "id": to_public(Message.PREFIX, message_id),
        "mode": fact.mode,
        "campaign": campaign,
        "sequence": None,
        "data": fact.data,
    }
    head, key, tail = as_json(envelope).decode().partition('"sequence":')
    return head + key, tail.removeprefix("null")
