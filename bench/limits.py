"""The limit: a minimal Django project that does the one thing that cannot be left out.

No apps, no middleware, a persistent connection, one statement per call. It runs beside
ours on the same server, with the same workers, threads, database and durability.
"""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import environ
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from uuid_utils.compat import uuid7

# Of the width of ours, with a primary key and no other index, constraint or partition;
# an event's with what makes it idempotent.
TABLES = """
    CREATE TABLE limit_click (LIKE referrals_click, PRIMARY KEY (id));
    CREATE TABLE limit_participant (LIKE referrals_participant INCLUDING DEFAULTS,
        PRIMARY KEY (id));
    CREATE TABLE limit_event (LIKE referrals_event INCLUDING DEFAULTS,
        PRIMARY KEY (id), UNIQUE (campaign_id, event_id));
"""
CAMPAIGN = UUID("01946a3e-0000-7000-8000-000000000000")


def constant(request: HttpRequest) -> HttpResponse:
    """Nothing at all: what the load generator is measured against."""
    return _answer(200, b"ok")


def insert_click(request: HttpRequest) -> HttpResponse:
    key = uuid7()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO limit_click (id, campaign_id, participant_id, created_at,"
            " address, user_agent, parameters) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [
                key,
                CAMPAIGN,
                CAMPAIGN,
                timezone.now(),
                request.META["REMOTE_ADDR"],
                request.META["HTTP_USER_AGENT"],
                json.dumps(request.GET),
            ],
        )
    return _answer(201, str(key).encode())


def insert_participant(request: HttpRequest) -> HttpResponse:
    key, given = uuid7(), json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO limit_participant (id, campaign_id, external_id, email,"
            " email_canonical, name, status, code, attributes, source, user_agent,"
            " created_at) VALUES"
            " (%s, %s, %s, %s, %s, %s, 'active', %s, %s, 'api', '', %s)",
            [
                key,
                CAMPAIGN,
                given["external_id"],
                given["email"],
                given["email"],
                given["name"],
                key.hex[-10:],
                json.dumps(given["attributes"]),
                timezone.now(),
            ],
        )
    return _answer(201, json.dumps({"id": str(key)}).encode())


def insert_event(request: HttpRequest) -> HttpResponse:
    key, given, now = uuid7(), json.loads(request.body), timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO limit_event (id, campaign_id, event_id, name, person, amount,"
            " currency, properties, reverses, occurred_at, received_at, outcome,"
            " decision) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '', %s, %s,"
            " 'recorded', '{}') ON CONFLICT (campaign_id, event_id) DO NOTHING",
            [
                key,
                CAMPAIGN,
                given["event_id"],
                given["name"],
                given["participant"]["external_id"],
                given["amount"],
                given["currency"],
                json.dumps(given["properties"]),
                now,
                now,
            ],
        )
    return _answer(201, json.dumps({"id": str(key)}).encode())


def read_participant(request: HttpRequest, pk: UUID) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, campaign_id, external_id, email, name, status, code,"
            " attributes, source, customer_since, created_at"
            " FROM referrals_participant WHERE id = %s",
            [pk],
        )
        columns = [column.name for column in cursor.description]
        row = dict(zip(columns, cursor.fetchone(), strict=True))
    return _answer(200, json.dumps(row, default=str).encode())


def _answer(status: int, body: bytes) -> HttpResponse:
    headers = {"Content-Length": str(len(body))}
    return HttpResponse(body, "application/json", status, headers=headers)


urlpatterns = [
    path("constant", constant),
    path("clicks", insert_click),
    path("participants", insert_participant),
    path("participants/<uuid:pk>", read_participant),
    path("events", insert_event),
]


def _application() -> Callable[..., Any]:
    database = {**environ.Env().db("DATABASE_URL"), "CONN_MAX_AGE": None}
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        DATABASES={"default": database},
        USE_TZ=True,
    )
    return get_wsgi_application()


if not settings.configured:  # imported by the server, not by the bench
    application = _application()
