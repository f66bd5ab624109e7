"""A consumer is killed, stopped, or loses its broker: no event is lost, none is twice.

Real consumers (`manage.py consume`) on the tests' database, and real brokers.
"""

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

from referrals.models import Campaign
from tests.factories import make_campaign
from tests.long.brokers import Broker, RabbitMQ, Redis
from tests.webhooks.queues import KINDS, InRabbitMQ, InRedis, Queue, order, recorded
from webhooks.models import Arrival, Message

ROOT = Path(__file__).resolve().parent.parent.parent
EVENTS = 3_000
KILLS = 4
PATIENCE = 120.0

pytestmark = pytest.mark.django_db(transaction=True)


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


@pytest.fixture(params=KINDS)
def queue(request: pytest.FixtureRequest) -> Iterator[Queue]:
    with KINDS[request.param](request) as found:
        yield found


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign()


@contextmanager
def consumer(
    queue: Queue, campaign: Campaign, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.long.live_settings",
        "LIVE_DATABASE": str(connection.settings_dict["NAME"]),
    }
    road = ["orders", "--campaign", campaign.public_id]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "consume", queue.url, *road],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def wait_for(condition: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


def assert_once_each(campaign: Campaign, events: int) -> None:
    assert len(recorded(campaign)) == len(set(recorded(campaign))) == events
    told = Message.objects.filter(type="event.unmatched", campaign_id=campaign.pk)
    assert told.count() == events
    assert told.values("object_id").distinct().count() == events
    assert not Arrival.objects.filter(campaign=campaign).exists()


def test_kills_lose_no_event_and_repeat_none(
    queue: Queue, campaign: Campaign, tmp_path: Path
) -> None:
    """Each consumer is killed with a batch in its hands; the next takes it up."""
    log = tmp_path / "consumer.log"
    queue.send(*[order(n) for n in range(EVENTS)])
    for round_ in range(KILLS):
        already = campaign.events.count()
        with consumer(queue, campaign, log) as process:
            wait_for(lambda before=already: campaign.events.count() > before, log)  # type: ignore[misc]
            time.sleep(0.03 * round_)  # somewhere else within a batch each time
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert campaign.events.count() < EVENTS

    with consumer(queue, campaign, log) as process:
        wait_for(lambda: campaign.events.count() == EVENTS, log)
        wait_for(lambda: queue.count() == 0, log)
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, log.read_text()
    assert "Stopped: " in log.read_text()
    assert_once_each(campaign, EVENTS)


@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
def test_a_broker_that_stops_is_waited_for(
    kind: str, campaign: Campaign, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    broker: Broker = request.getfixturevalue(kind)
    log = tmp_path / "consumer.log"
    first = opened(kind, broker.url)
    first.send(*[order(n) for n in range(10)])
    with consumer(first, campaign, log) as process:
        wait_for(lambda: campaign.events.count() == 10, log)
        first.close()
        broker.stop()
        wait_for(lambda: "The queue is away" in log.read_text(), log)
        time.sleep(3)  # it is tried again, in vain, before it is back
        broker.start()
        second = opened(kind, broker.url)
        second.send(*[order(n) for n in range(5, 20)])
        wait_for(lambda: campaign.events.count() == 20, log)
        assert process.poll() is None
    second.close()
    assert_once_each(campaign, 20)


def opened(kind: str, url: str) -> InRedis | InRabbitMQ:
    return InRedis(url) if kind == "redis" else InRabbitMQ(url)
