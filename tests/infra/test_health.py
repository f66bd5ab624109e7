import json
import socket

from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from referral_factory.health import healthz, readyz


def checks(answer: HttpResponse) -> dict[str, str]:
    found: dict[str, str] = json.loads(answer.content)["checks"]
    return found


def ready() -> HttpResponse:
    return readyz(RequestFactory().get("/readyz"))


def test_alive_asks_nobody(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert healthz(RequestFactory().get("/healthz")).status_code == 200


def test_ready_says_what_was_checked() -> None:
    answer = ready()
    assert answer.status_code == 200
    assert checks(answer) == {
        "database": "ok",
        "migrations": "ok",
        "broker": "in the database",
    }


def test_a_broker_that_is_down_is_reported_and_does_not_take_us_out(
    settings: Settings,
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{unused.getsockname()[1]}/0"
        answer = ready()
    assert answer.status_code == 200
    assert checks(answer)["broker"] == "unreachable"


def test_a_broker_that_listens_is_reported(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.CELERY_BROKER_URL = f"amqp://127.0.0.1:{server.getsockname()[1]}//"
        assert checks(ready())["broker"] == "ok"


def test_pending_migrations_make_us_unready() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    answer = ready()
    assert answer.status_code == 503
    assert checks(answer)["migrations"] == "1 pending: run manage.py migrate"
