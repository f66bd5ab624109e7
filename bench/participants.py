"""Enrolling people over the API: one at a time, and ten thousand in a call."""

import json
import time
from collections.abc import Iterator
from functools import cache

import psycopg
from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from bench import limits
from bench.figures import Figure, compare, figure
from bench.load import LONGER, Load, Round, http_request
from bench.rows import world
from bench.servers import servers

ROWS = 10_000
NUMBER = "@number@"  # of a call, in what is sent again and again
JSON_BODY = {"Content_Type": "application/json"}


def person(n: int | str) -> dict[str, object]:
    return {
        "external_id": f"c-{n}",
        "email": f"Person.{n}@shop.example.com",
        "name": f"Person {n}",
        "attributes": {"plan": "pro", "city": "Lisbon"},
    }


@figure("participant_create")
def participant_create() -> Figure:
    known = world()
    campaign = known.campaign.public_id

    def enrol(n: int) -> bytes:
        body = json.dumps({"campaign": campaign, **person(n)}).encode()
        headers = {"Authorization": f"Bearer {known.key}", "Idempotency_Key": f"k{n}"}
        return http_request(
            "POST", "/api/v1/participants", body, **headers, **JSON_BODY
        )

    def insert(n: int) -> bytes:
        body = json.dumps(person(n)).encode()
        return http_request("POST", "/participants", body, **JSON_BODY)

    with servers() as running:
        return compare(
            Load(running.ours, enrol, expected=201),
            Load(running.limit, insert, expected=201),
            unit="per second",
            of="one INSERT",
            code=limits.insert_participant,
        )


@figure("participant_bulk")
def participant_bulk() -> Figure:
    known = world()
    path = f"/api/v1/participants/bulk?campaign={known.campaign.public_id}"
    template = json.dumps([person(f"{NUMBER}-{row}") for row in range(ROWS)])

    def enrol(n: int) -> bytes:
        body = template.replace(NUMBER, str(n)).encode()
        authorization = f"Bearer {known.key}"
        return http_request(
            "POST", path, body, Authorization=authorization, **JSON_BODY
        )

    with servers() as running:
        load = Load(running.ours, enrol, expected=200, rows=ROWS, connections=1)
        return compare(
            lambda seconds: load(seconds * LONGER),
            copy_and_upsert,
            unit="rows per second",
            of="COPY and upsert",
            code=copy_once,
        )


def copy_and_upsert(seconds: float) -> Round:
    """The limit: the same rows, one call after the other, on one connection."""
    calls, started = 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        copy_once()
        calls += 1
    return Round(calls * ROWS / (time.perf_counter() - started), calls)


COLUMNS = (
    "id, campaign_id, external_id, email, email_canonical, name, status, code,"
    " attributes, source, user_agent, created_at"
)


def copy_once() -> None:
    """Rows into a table with the columns and indexes of ours, by way of a stage."""
    server = _connection()
    with server.transaction(), server.cursor() as cursor:
        with cursor.copy(f"COPY stage ({COLUMNS}) FROM STDIN") as copy:
            copy.write("".join(_lines()))
        cursor.execute(
            f"INSERT INTO limit_people ({COLUMNS}) SELECT {COLUMNS} FROM stage"  # noqa: S608 - ours
            " ON CONFLICT (campaign_id, external_id) DO UPDATE SET"
            " name = excluded.name, attributes = excluded.attributes"
        )


def _lines() -> Iterator[str]:
    now, attributes = timezone.now(), '{"plan": "pro", "city": "Lisbon"}'
    call, campaign = uuid7().hex, limits.CAMPAIGN
    for row in range(ROWS):
        key, n = uuid7(), f"{call}-{row}"
        email = f"person.{n}@shop.example.com"
        yield (
            f"{key}\t{campaign}\tc-{n}\t{email}\t{email}\tPerson {n}\tactive\t"
            f"{n[-36:]}\t{attributes}\tapi\t\t{now}\n"
        )


@cache
def _connection() -> psycopg.Connection:
    connection.ensure_connection()
    server: psycopg.Connection = connection.connection
    with server.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE limit_people (LIKE referrals_participant INCLUDING ALL)"
        )
        cursor.execute(
            "CREATE TEMP TABLE stage (LIKE limit_people) ON COMMIT DELETE ROWS"
        )
    return server
