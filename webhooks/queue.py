"""The queue of deliveries: its statements, and nothing else.

A claim is a lease: committed before anything is sent, over by itself when its holder
dies, and fenced by an id so that a holder who comes late changes nothing. All moments
are the database's, so that dispatchers on several machines agree.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from referral_factory.ids import new_id

# Walks from one waiting endpoint to the next by the index (a "skip scan"), and takes
# from each as many as it has room for: a slow endpoint holds up nobody but itself.
CLAIM = """
    WITH RECURSIVE waiting AS (
        (SELECT endpoint_id FROM webhooks_delivery WHERE status = 'pending'
         ORDER BY endpoint_id LIMIT 1)
        UNION ALL
        SELECT (SELECT d.endpoint_id FROM webhooks_delivery d
                WHERE d.status = 'pending' AND d.endpoint_id > waiting.endpoint_id
                ORDER BY d.endpoint_id LIMIT 1)
        FROM waiting WHERE waiting.endpoint_id IS NOT NULL
    ), ready AS (
        SELECT endpoint.id, %(cap)s - COALESCE(busy.count, 0) AS room
        FROM waiting
        JOIN webhooks_endpoint endpoint ON endpoint.id = waiting.endpoint_id
        LEFT JOIN unnest(%(busy)s::uuid[], %(counts)s::int[]) AS busy (id, count)
            ON busy.id = endpoint.id
        WHERE endpoint.status = 'enabled' AND endpoint.deleted_at IS NULL
            AND COALESCE(busy.count, 0) < %(cap)s
        ORDER BY random()
    ), picked AS (
        SELECT due.* FROM ready CROSS JOIN LATERAL (
            SELECT d.message_id, d.endpoint_id, d.lease_id
            FROM webhooks_delivery d
            WHERE d.endpoint_id = ready.id AND d.status = 'pending'
                AND d.due_at <= statement_timestamp()
                AND (d.lease_until IS NULL OR d.lease_until < statement_timestamp())
            ORDER BY d.due_at, d.message_id LIMIT ready.room
            FOR UPDATE SKIP LOCKED
        ) AS due LIMIT %(limit)s
    ), claimed AS (
        UPDATE webhooks_delivery d
        SET lease_id = %(lease)s, lease_until = statement_timestamp() + %(length)s,
            attempts = d.attempts + 1
        FROM picked
        WHERE d.message_id = picked.message_id AND d.endpoint_id = picked.endpoint_id
        RETURNING d.id, d.message_id, d.endpoint_id, d.attempts,
            picked.lease_id IS NOT NULL AS taken_over
    )
    SELECT claimed.*, message.body, endpoint.url, endpoint.headers, endpoint.secret,
        CASE WHEN endpoint.old_secret_until > statement_timestamp()
            THEN endpoint.old_secret ELSE '' END, endpoint.failing_since
    FROM claimed
    JOIN webhooks_message message ON message.id = claimed.message_id
    JOIN webhooks_endpoint endpoint ON endpoint.id = claimed.endpoint_id
    ORDER BY claimed.message_id
"""

# Every try is kept, also that of a holder who came late. Only who still holds the
# lease changes the delivery. Running it twice changes nothing more.
FINISH = """
    WITH result AS (
        SELECT * FROM unnest(
            %(attempt)s::uuid[], %(delivery)s::uuid[], %(message)s::uuid[],
            %(endpoint)s::uuid[], %(lease)s::uuid[], %(number)s::int[],
            %(status_code)s::int[], %(error)s::text[], %(latency_ms)s::int[],
            %(response_body)s::text[], %(status)s::text[], %(delay)s::interval[],
            %(at)s::timestamptz[]
        ) AS result (attempt_id, delivery_id, message_id, endpoint_id, lease_id,
            number, status_code, error, latency_ms, response_body, status, delay, at)
    ), kept AS (
        INSERT INTO webhooks_attempt (id, delivery_id, number, status_code, error,
            latency_ms, response_body, created_at)
        SELECT attempt_id, delivery_id, number, status_code, error, latency_ms,
            response_body, at
        FROM result ON CONFLICT DO NOTHING
    ), recovered AS (
        UPDATE webhooks_endpoint SET failing_since = NULL
        WHERE failing_since IS NOT NULL AND id IN (
            SELECT endpoint_id FROM result WHERE status = 'delivered')
    ), troubled AS (
        UPDATE webhooks_endpoint SET failing_since = statement_timestamp()
        WHERE failing_since IS NULL AND id IN (
            SELECT endpoint_id FROM result GROUP BY endpoint_id
            HAVING bool_and(status <> 'delivered'))
    )
    UPDATE webhooks_delivery d
    SET status = result.status, lease_id = NULL, lease_until = NULL,
        due_at = COALESCE(statement_timestamp() + result.delay, d.due_at),
        finished_at = CASE WHEN result.status = 'pending' THEN NULL
            ELSE statement_timestamp() END
    FROM result
    WHERE d.message_id = result.message_id AND d.endpoint_id = result.endpoint_id
        AND d.lease_id = result.lease_id
"""

RELEASE = """
    UPDATE webhooks_delivery d
    SET lease_id = NULL, lease_until = NULL, attempts = d.attempts - 1
    FROM unnest(%(messages)s::uuid[], %(endpoints)s::uuid[]) AS mine (message, endpoint)
    WHERE d.message_id = mine.message AND d.endpoint_id = mine.endpoint
        AND d.lease_id = ANY (%(leases)s::uuid[])
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours until its lease ends, with all that sending it needs."""

    delivery_id: UUID
    message_id: UUID
    endpoint_id: UUID
    number: int  # of this try
    taken_over: bool  # somebody had it before, and let its lease end
    body: str
    url: str
    headers: Mapping[str, str]
    secret: str
    old_secret: str  # empty: only the first one signs
    failing_since: datetime | None
    lease_id: UUID


COLUMNS = [each.name for each in fields(Claimed) if each.name != "lease_id"]


@dataclass(frozen=True, slots=True)
class Result:
    """How one try went, and what it makes of its delivery."""

    claimed: Claimed
    status: str  # of the delivery from now on
    delay: timedelta | None  # until the next try
    status_code: int | None
    error: str
    latency_ms: int
    response_body: str
    at: datetime
    attempt_id: UUID = field(default_factory=new_id)


def claim(
    *, limit: int, cap: int, busy: Mapping[UUID, int], lease: timedelta
) -> list[Claimed]:
    """Take up to `limit` deliveries that are due, for the length of a lease.

    No endpoint gets more than `cap` at once; `busy` says what each has already.
    """
    lease_id = new_id()
    params: dict[str, Any] = {
        "limit": limit,
        "cap": cap,
        "busy": list(busy),
        "counts": list(busy.values()),
        "lease": lease_id,
        "length": lease,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, params)
        return [_claimed(*row, lease_id=lease_id) for row in cursor.fetchall()]


def _claimed(*columns: Any, lease_id: UUID) -> Claimed:
    values = dict(zip(COLUMNS, columns, strict=True))
    return Claimed(
        **values | {"headers": json.loads(values["headers"])}, lease_id=lease_id
    )


def finish(results: Sequence[Result]) -> None:
    """Write all these results, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            FINISH,
            {
                "attempt": [r.attempt_id for r in results],
                "delivery": [r.claimed.delivery_id for r in results],
                "message": [r.claimed.message_id for r in results],
                "endpoint": [r.claimed.endpoint_id for r in results],
                "lease": [r.claimed.lease_id for r in results],
                "number": [r.claimed.number for r in results],
                "status_code": [r.status_code for r in results],
                "error": [r.error for r in results],
                "latency_ms": [r.latency_ms for r in results],
                "response_body": [r.response_body for r in results],
                "status": [r.status for r in results],
                "delay": [r.delay for r in results],
                "at": [r.at for r in results],
            },
        )


def release(claimed: Sequence[Claimed]) -> None:
    """Give back what was claimed and not sent, for others to take at once."""
    with connection.cursor() as cursor:
        cursor.execute(
            RELEASE,
            {
                "messages": [c.message_id for c in claimed],
                "endpoints": [c.endpoint_id for c in claimed],
                "leases": list({c.lease_id for c in claimed}),
            },
        )
