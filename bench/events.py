"""Reporting events over the API: one at a time, and ten thousand in a call.

Each single one qualifies a referral, grants two rewards, and is told to an endpoint in
three messages. Of those in bulk, one in TO_QUALIFY does; the others are what else comes
in: more purchases of the same people, and what is no purchase.
"""

import json
import math
import time
from functools import cache, partial
from itertools import count
from typing import Any

import psycopg
from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from bench import limits
from bench.figures import Figure, compare, figure
from bench.load import LONGER, RUN_LENGTH, WARM_UP, Load, Round, http_request
from bench.rows import World, world
from bench.servers import servers
from referral_factory.prepared import array
from referrals.inputs import EventInput
from referrals.models import Referral
from referrals.services.events import Report, record_events

ROWS = 10_000
TO_QUALIFY = 10  # one event in so many, of those in bulk
MORE_OF_THE_SAME = 5  # of the others of these: what is left is no purchase
FRIENDS = ROWS // TO_QUALIFY  # who qualify in a call
NUMBER = "@number@"  # of a call, in what is sent again and again
# For how many there are people.
MOST_PER_SECOND = 2_000
MOST_CALLS_PER_SECOND = 2
JSON_BODY = {"Content_Type": "application/json"}
_batches = count(1)


def event(event_id: str, friend: str, name: str = "purchase") -> dict[str, object]:
    return {
        "event_id": event_id,
        "name": name,
        "participant": {"external_id": friend},
        "amount": "25.00",
        "currency": "USD",
        "properties": {"plan": "pro", "city": "Lisbon"},
    }


@figure("event_single")
def event_single() -> Figure:
    known = _world()

    def insert(n: int) -> bytes:
        body = json.dumps(event(f"order-{n}", f"friend-{n}")).encode()
        return http_request("POST", "/events", body, **JSON_BODY)

    with servers() as running:
        return compare(
            partial(report_one_by_one, known, running.ours),
            Load(running.limit, insert, expected=201),
            unit="per second",
            of="one INSERT",
            code=limits.insert_event,
        )


@figure("event_bulk")
def event_bulk() -> Figure:
    known = _world()
    with servers() as running:
        return compare(
            partial(report_in_bulk, known, running.ours),
            insert_in_bulk,
            unit="events per second",
            of="one INSERT of many",
            code=insert_once,
        )


@cache
def _world() -> World:
    """One that ran before, so that the planner knows tables that are not empty."""
    known = world()
    befriend(known, "past", calls=1, friends=FRIENDS)
    rows = json.loads(
        json.dumps([_row(n) for n in range(ROWS)]).replace(NUMBER, "past-0")
    )
    reports = [Report(**EventInput.read(row)) for row in rows]
    record_events(known.campaign, reports, wall=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return known


def report_one_by_one(known: World, port: int, seconds: float) -> Round:
    """Each event is the milestone of somebody else."""
    batch = f"single-{next(_batches)}"
    befriend(known, batch, calls=1, friends=_enough(seconds, MOST_PER_SECOND))
    campaign = known.campaign.public_id

    def report(n: int) -> bytes:
        given = event(f"{batch}-{n}", f"{batch}-0-{n % RUN_LENGTH}")
        body = json.dumps({"campaign": campaign, **given}).encode()
        return _post(known, "/api/v1/events", body)

    done = Load(port, report, expected=201)(seconds)
    _expect_qualified(batch, done.calls)
    return done


def report_in_bulk(known: World, port: int, seconds: float) -> Round:
    """One call after the other, as somebody's nightly job would."""
    batch, seconds = f"bulk-{next(_batches)}", seconds * LONGER
    calls = _enough(seconds, MOST_CALLS_PER_SECOND)
    befriend(known, batch, calls=calls, friends=FRIENDS)
    path = f"/api/v1/events/bulk?campaign={known.campaign.public_id}"
    template = json.dumps([_row(n) for n in range(ROWS)])

    def report(n: int) -> bytes:
        body = template.replace(NUMBER, f"{batch}-{n % RUN_LENGTH}").encode()
        return _post(known, path, body)

    done = Load(port, report, expected=200, rows=ROWS, connections=1)(seconds)
    _expect_qualified(batch, done.calls * FRIENDS)
    return done


def _row(n: int) -> dict[str, object]:
    is_purchase = n % TO_QUALIFY <= MORE_OF_THE_SAME
    name = "purchase" if is_purchase else "page_viewed"
    return event(f"{NUMBER}-{n}", f"{NUMBER}-{n // TO_QUALIFY}", name)


def _post(known: World, path: str, body: bytes) -> bytes:
    authorization = f"Bearer {known.key}"
    return http_request("POST", path, body, Authorization=authorization, **JSON_BODY)


def _enough(seconds: float, per_second: int) -> int:
    return math.ceil(seconds * (1 + WARM_UP) * per_second) + 20


BEFRIEND = """
    WITH friend AS (
        INSERT INTO referrals_participant
            (id, campaign_id, external_id, name, status, code, source, user_agent,
            created_at, attributes)
        SELECT gen_random_uuid(), %(campaign)s, %(batch)s || '-' || call || '-' || n,
            'Friend', 'active', left(md5(%(batch)s || call || '-' || n), 20), 'api',
            '', now(), '{}'
        FROM generate_series(0, %(calls)s - 1) call, generate_series(0, %(friends)s) n
        RETURNING id
    )
    INSERT INTO referrals_referral
        (id, campaign_id, advocate_id, friend_id, status, way, reason,
        click_user_agent, created_at, expires_at)
    SELECT gen_random_uuid(), %(campaign)s, (%(advocates)s::uuid[])[
            1 + row_number() OVER () %% cardinality(%(advocates)s::uuid[])],
        id, 'pending', 'code', '', '', now(), now() + interval '90 days'
    FROM friend
"""


def befriend(known: World, batch: str, *, calls: int, friends: int) -> None:
    """Have these people been referred; they are called BATCH-CALL-NUMBER."""
    values: dict[str, Any] = {
        "campaign": known.campaign.pk,
        "batch": batch,
        "calls": calls,
        "friends": friends,
        "advocates": [advocate.pk for advocate in known.people],
    }
    with connection.cursor() as cursor:
        cursor.execute(BEFRIEND, values)
        cursor.execute("ANALYZE referrals_participant, referrals_referral")


def _expect_qualified(batch: str, least: int) -> None:
    """A figure of events that decided nothing is worth nothing."""
    referrals = Referral.objects.filter(
        friend__external_id__startswith=f"{batch}-",
        status=Referral.Status.QUALIFIED,
    )
    if (found := referrals.count()) < least:
        raise RuntimeError(f"{found} referrals qualified, of {least}.")


def insert_in_bulk(seconds: float) -> Round:
    """The limit: the same rows, one statement after the other, on one connection."""
    calls, started = 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        insert_once()
        calls += 1
    return Round(calls * ROWS / (time.perf_counter() - started), calls)


COLUMNS = {
    "id": "uuid",
    "event_id": "text",
    "name": "text",
    "person": "text",
    "amount": "numeric",
    "currency": "text",
    "properties": "jsonb",
}


def insert_once() -> None:
    """Rows into a table with what makes an event idempotent, and no other index."""
    call = uuid7().hex
    rows = [_row(n) for n in range(ROWS)]
    columns: dict[str, list[Any]] = {
        "id": [uuid7() for _ in rows],
        "event_id": [f"{call}-{n}" for n in range(ROWS)],
        "name": [row["name"] for row in rows],
        "person": [f"{call}-{n // TO_QUALIFY}" for n in range(ROWS)],
        "amount": [row["amount"] for row in rows],
        "currency": [row["currency"] for row in rows],
        "properties": [json.dumps(row["properties"]) for row in rows],
    }
    arrays = ", ".join(f"%({name})s::{kind}[]" for name, kind in COLUMNS.items())
    values = {name: array(some) for name, some in columns.items()}
    _connection().execute(
        f"INSERT INTO limit_event ({', '.join(COLUMNS)}, campaign_id, reverses,"  # noqa: S608 - ours
        " occurred_at, received_at, outcome, decision) SELECT *, %(campaign)s, '',"
        f" %(now)s, %(now)s, 'recorded', '{{}}'::jsonb FROM unnest({arrays})"
        " ON CONFLICT (campaign_id, event_id) DO NOTHING",
        {**values, "campaign": limits.CAMPAIGN, "now": timezone.now()},
    )


@cache
def _connection() -> psycopg.Connection:
    connection.ensure_connection()
    server: psycopg.Connection = connection.connection
    return server
