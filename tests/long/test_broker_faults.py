"""The broker freezes, stops or forgets: no call waits, and the work is done after.

A whole system on the test database: web server, worker and scheduler as `manage.py run`
starts them, with a real broker.
"""

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from referral_factory.management.commands.run import programs
from referral_factory.supervisor import end_with_parent
from referrals.models import Referral
from rewards.models import Reward
from tests.factories import make_campaign, make_key, make_referral, make_rule
from tests.long.brokers import RabbitMQ, Redis, free_port

Action = Callable[[], object]

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 90  # seconds for everything to come up on a busy machine
SOON = 15  # seconds in which due work is done once the broker is back
AT_ONCE = 0.5  # seconds that two calls may take while the broker is away


class System:
    """Web server, worker and scheduler, sharing the test's database."""

    def __init__(self, folder: Path, broker_url: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **os.environ,
            "DATABASE_URL": url_of_the_test_database(),
            "CELERY_BROKER_URL": broker_url,
            "PORT": str(self.port),
        }

    def start(self) -> None:
        for name, command in programs(self.port, verbose=True).items():
            if name == "dispatcher":
                continue
            with (self.folder / f"{name}.log").open("wb") as log:
                self.processes.append(
                    subprocess.Popen(
                        command,
                        env=self.environment,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                        preexec_fn=end_with_parent,
                    )
                )

    def stop(self) -> None:
        for process in self.processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def logs(self) -> str:
        return "\n".join(path.read_text()[-3000:] for path in self.folder.glob("*.log"))

    def answers(self) -> int:
        """The status of a call that asks for the database and the broker."""
        return self.call("GET", "/readyz")

    def call(self, method: str, path: str, body: object = None, key: str = "") -> int:
        """The status; 0 where nothing answers."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        try:
            line.request(method, path, json.dumps(body) if body else None, headers)
            return line.getresponse().status
        except OSError:
            return 0
        finally:
            line.close()


def url_of_the_test_database() -> str:
    database = connection.settings_dict
    if settings.DATABASE_URL:
        return settings.DATABASE_URL.rpartition("/")[0] + "/" + str(database["NAME"])
    return f"postgres://{database['USER']}@/{database['NAME']}?host={database['HOST']}"


def wait_for(condition: Callable[[], object], seconds: float, system: System) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, system.logs()
        time.sleep(0.1)


def due_work() -> Referral:
    """A holding period that is over: one sweep qualifies, another one reviews."""
    campaign = make_campaign()
    make_rule(campaign=campaign)
    return make_referral(
        campaign=campaign,
        status=Referral.Status.HOLDING,
        holds_until=timezone.now() - timedelta(seconds=1),
    )


def is_done(referral: Referral) -> bool:
    approved = Reward.Status.APPROVED
    return Reward.objects.filter(referral=referral, status=approved).exists()


@pytest.fixture
def running(tmp_path: Path, transactional_db: None) -> Iterator[Callable[..., System]]:
    """Starts a system on a broker, and waits until it has done its first work."""
    with ExitStack() as stack:

        def run(broker_url: str) -> System:
            system = System(tmp_path, broker_url)
            stack.callback(system.stop)
            system.start()
            first = due_work()
            wait_for(lambda: system.answers() == 200, PATIENCE, system)
            wait_for(lambda: is_done(first), PATIENCE, system)
            return system

        yield run


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    broker = Redis(tmp_path_factory.mktemp("redis"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    broker = RabbitMQ(tmp_path_factory.mktemp("rabbitmq"))
    broker.start()
    yield broker
    broker.stop()
    broker.close()


def assert_calls_do_not_wait(system: System) -> None:
    """The quickest of five: a wait would be in each, a busy machine's hiccup is not."""
    body = {"campaign": make_campaign().public_id, "email": "ana@example.com"}
    key, took = make_key(), []
    for _ in range(5):
        began = time.monotonic()
        assert system.answers() == 200
        assert system.call("POST", "/api/v1/participants", body, key) in {200, 201}
        took.append(time.monotonic() - began)
    assert min(took) < AT_ONCE


def fault(system: System, begin: Action, end: Action) -> None:
    """Work falls due while the broker is away; it is done soon after it is back."""
    begin()
    referral = due_work()
    time.sleep(4)  # longer than a sweep's message lives
    assert_calls_do_not_wait(system)
    end()
    wait_for(lambda: is_done(referral), SOON, system)


def test_redis_frozen(redis: Redis, running: Callable[..., System]) -> None:
    fault(running(redis.url), redis.freeze, redis.thaw)


def test_redis_stopped(redis: Redis, running: Callable[..., System]) -> None:
    fault(running(redis.url), redis.stop, redis.start)


def test_redis_emptied(redis: Redis, running: Callable[..., System]) -> None:
    fault(running(redis.url), redis.empty, lambda: None)


def test_rabbitmq_stopped(rabbitmq: RabbitMQ, running: Callable[..., System]) -> None:
    fault(running(rabbitmq.url), rabbitmq.stop, rabbitmq.start)


def test_rabbitmq_frozen(rabbitmq: RabbitMQ, running: Callable[..., System]) -> None:
    fault(running(rabbitmq.url), rabbitmq.freeze, rabbitmq.thaw)


def test_queue_in_the_database_emptied(running: Callable[..., System]) -> None:
    def purge() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pgmq.purge_queue('work')")

    fault(running(""), purge, lambda: None)
