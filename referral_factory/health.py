"""Whether we are alive, and whether we can work, for load balancers and `make run`."""

import socket
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

PATIENCE = 0.5  # seconds that a check may take
PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671}


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers. Says nothing of anything beside it."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when we can take calls: the database answers and its schema is ours.

    An unreachable broker is reported and changes nothing: no call needs it, and to take
    the API away from its callers because of it would make one failure two.
    """
    checks = {"database": database(), "migrations": "unknown", "broker": broker()}
    if checks["database"] == "ok":
        checks["migrations"] = migrations()
    ready = checks["database"] == checks["migrations"] == "ok"
    return JsonResponse(
        {"status": "ok" if ready else "unavailable", "checks": checks},
        status=200 if ready else 503,
    )


def database() -> str:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE * 1000:.0f}")
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return "ok"


def migrations() -> str:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(plan)} pending: run manage.py migrate" if plan else "ok"


def broker() -> str:
    """Whether something listens where the broker should be."""
    if not settings.CELERY_BROKER_URL:
        return "in the database"
    url = urlsplit(settings.CELERY_BROKER_URL)
    address = (url.hostname or "127.0.0.1", url.port or PORTS.get(url.scheme, 0))
    try:
        socket.create_connection(address, timeout=PATIENCE).close()
    except OSError:
        return "unreachable"
    return "ok"
