"""Faults with real dispatchers: nothing is lost, and the log shows who took it up."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import IO

import pytest
from django.db import connection

from referral_factory.ids import new_id
from tests.webhooks.receiver import Receiver, Reply, make_endpoint, running, status
from webhooks import outbox
from webhooks.models import Attempt, Delivery, Endpoint, Message

ROOT = Path(__file__).resolve().parent.parent.parent
TIMEOUT = 2  # seconds for an exchange: a lease is three times as long
PATIENCE = 60.0

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running() as receiver:
        yield receiver


@contextmanager
def dispatcher(log: Path, timeout: int = TIMEOUT) -> Iterator[subprocess.Popen[bytes]]:
    """A real one, of our own, for the tests' database."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.long.live_settings",
        "LIVE_DATABASE": connection.settings_dict["NAME"],
        "WEBHOOKS_ALLOW_LOOPBACK": "1",
        "WEBHOOKS_TIMEOUT": str(timeout),
    }
    with log.open("wb") as output:
        process = _start(environment, output)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _start(environment: dict[str, str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "dispatch"],
        cwd=ROOT,
        env=environment,
        stdout=output,
        stderr=output,
    )


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"Waited in vain for {what}."
        time.sleep(0.05)


def leased() -> int:
    return Delivery.objects.filter(status="pending", lease_id__isnull=False).count()


def pending() -> int:
    return Delivery.objects.filter(status="pending").count()


def endpoints(receiver: Receiver, count: int) -> list[Endpoint]:
    return [make_endpoint(receiver.url.replace("/hook", f"/{n}")) for n in range(count)]


def tell(count: int) -> None:
    facts = [outbox.Fact(new_id(), "test", new_id(), {"n": n}) for n in range(count)]
    outbox.record("referral.qualified", facts)


def once(answering: threading.Event) -> Reply:
    """Say thanks, but not before that."""
    thanks = status(200, b"thanks")

    def reply(handler: BaseHTTPRequestHandler) -> None:
        answering.wait(PATIENCE)
        thanks(handler)

    return reply


def assert_all_arrived(receiver: Receiver, count: int) -> None:
    told = {message.public_id for message in Message.objects.all()}
    for n in range(count):
        came = [each for each in receiver.received if each.path == f"/{n}"]
        assert {each.headers["webhook-id"] for each in came} == told
    assert not Delivery.objects.exclude(status="delivered").exists()


def test_nothing_is_lost_when_a_dispatcher_is_killed(
    receiver: Receiver, tmp_path: Path
) -> None:
    answering = threading.Event()
    receiver.replies = [once(answering)]
    endpoints(receiver, 4)
    tell(100)
    with dispatcher(tmp_path / "first.log") as first:
        wait_for(lambda: len(receiver.received) >= 100, "100 exchanges under way")
        first.kill()
        first.wait()
    held = leased()
    assert held >= 100
    assert not Attempt.objects.exists()

    answering.set()
    receiver.received.clear()
    with dispatcher(tmp_path / "second.log") as second:
        wait_for(lambda: pending() == 0, "all deliveries")
        second.send_signal(signal.SIGTERM)
        assert second.wait(PATIENCE) == 0

    log = (tmp_path / "second.log").read_text()
    assert sum(map(int, re.findall(r"Took over (\d+) deliveries", log))) == held
    assert Attempt.objects.filter(number=2).count() == held
    assert_all_arrived(receiver, 4)


def test_dispatcher_that_is_asked_to_stop_gives_back_what_it_holds(
    receiver: Receiver, tmp_path: Path
) -> None:
    receiver.replies = [once(threading.Event())]
    endpoints(receiver, 1)
    tell(20)
    with dispatcher(tmp_path / "log", timeout=30) as process:
        wait_for(lambda: len(receiver.received) == 20, "exchanges under way")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0

    assert "20 deliveries given back" in (tmp_path / "log").read_text()
    assert Delivery.objects.filter(lease_id=None, attempts=0).count() == 20


def test_dispatcher_outlives_its_connections(
    receiver: Receiver, tmp_path: Path
) -> None:
    endpoints(receiver, 1)
    with dispatcher(tmp_path / "log") as process:
        tell(1)
        wait_for(lambda: len(receiver.received) == 1, "the first message")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                " datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert cursor.rowcount >= 2
        tell(50)
        wait_for(lambda: pending() == 0, "the other messages")
        assert process.poll() is None
    assert "The database is away" in (tmp_path / "log").read_text()
    assert Delivery.objects.filter(status="delivered").count() == 51


def test_dispatcher_is_woken_rather_than_asking(
    receiver: Receiver, tmp_path: Path
) -> None:
    endpoints(receiver, 1)
    with dispatcher(tmp_path / "log"):
        tell(1)
        wait_for(lambda: pending() == 0, "the first message")
        latencies = []
        for _ in range(10):
            time.sleep(0.13)
            start = time.monotonic()
            count = len(receiver.received)
            tell(1)
            wait_for(lambda seen=count: len(receiver.received) > seen, "a message")  # type: ignore[misc]
            latencies.append(time.monotonic() - start)
    assert sorted(latencies)[5] < 0.5  # half the time between two looks


def test_two_dispatchers_share_the_work_and_send_nothing_twice(
    receiver: Receiver, tmp_path: Path
) -> None:
    endpoints(receiver, 4)
    with dispatcher(tmp_path / "one"), dispatcher(tmp_path / "two"):
        for _ in range(10):
            tell(50)
        wait_for(lambda: pending() == 0, "all deliveries")

    ids = [(each.path, each.headers["webhook-id"]) for each in receiver.received]
    assert len(ids) == len(set(ids)) == 2000
    assert not Message.objects.filter(position=None).exists()
