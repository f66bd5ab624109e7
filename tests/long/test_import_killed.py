"""Faults with real workers: a file is imported once, row by row, whoever is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from referrals.models import Campaign, Import, ImportPart
from referrals.services.imports import receive_file, run_import
from tests.factories import make_campaign
from webhooks.models import Message

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 120.0
ROWS = 15_000
CELERY = [
    *(sys.executable, "-W", "ignore:You're running", "-m", "celery"),
    *("--quiet", "--app=referral_factory"),
]
# In one process, so that a kill leaves none of it.
WORKER = [
    *(*CELERY, "worker", "--pool=solo", "--loglevel=WARNING"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
]
SCHEDULER = [*CELERY, "beat", "--pidfile=", "--loglevel=WARNING"]

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def running(program: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real one, of our own, for the tests' database and with its queues in there."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.long.live_settings",
        "LIVE_DATABASE": str(connection.settings_dict["NAME"]),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            program, cwd=ROOT, env=environment, stdout=output, stderr=output
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture(autouse=True)
def _scheduler(tmp_path: Path) -> Iterator[None]:
    with running(SCHEDULER, tmp_path / "scheduler.log"):
        yield


def wait_for(condition: Callable[[], bool], what: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"No {what}: {log.read_text()}"
        time.sleep(0.02)


def uploaded(campaign: Campaign) -> Import:
    lines = [f"p{n}@shop.example,c-{n},Person {n}\n" for n in range(ROWS)]
    lines[100] = "no address,c-100,\n"
    body = "".join(["email,id,name\n", *lines]).encode()
    received = receive_file(campaign, [body], filename="p.csv", by="user:ann")
    return run_import(received, wall=timezone.now())


def done_rows(received: Import) -> int:
    received.refresh_from_db()
    return received.done_rows


def test_a_killed_worker_repeats_and_loses_no_row(tmp_path: Path) -> None:
    campaign = make_campaign()
    received = uploaded(campaign)
    first, second = tmp_path / "first.log", tmp_path / "second.log"

    with running(WORKER, first) as process:
        wait_for(lambda: done_rows(received) > ROWS / 4, "rows", first)
        process.send_signal(signal.SIGKILL)
        process.wait()
    half_way = done_rows(received)
    assert received.status == Import.Status.RUNNING
    assert half_way < ROWS
    assert campaign.participants.count() == half_way - 1

    with running(WORKER, second):
        wait_for(lambda: done_rows(received) == ROWS, "end", second)
        wait_for(lambda: _status(received) == Import.Status.DONE, "end", second)

    assert f"Took over {received.public_id}" in second.read_text()
    assert f"after row {half_way}." in second.read_text()
    assert (received.created_count, received.failed_count) == (ROWS - 1, 1)
    assert (received.updated_count, received.unchanged_count) == (0, 0)
    assert list(received.faults.values_list("row", flat=True)) == [101]
    assert campaign.participants.count() == ROWS - 1
    told = Message.objects.filter(type="participant.created", campaign_id=campaign.pk)
    assert told.count() == ROWS - 1
    assert told.values("object_id").distinct().count() == ROWS - 1
    assert not ImportPart.objects.exists()


def _status(received: Import) -> str:
    received.refresh_from_db()
    return received.status
