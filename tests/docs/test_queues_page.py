"""The examples of docs/queues.md, against real brokers: what they send is recorded."""

import subprocess
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from referrals.models import Campaign
from tests.docs.test_snippets import snippets
from tests.factories import make_campaign
from tests.long.brokers import RabbitMQ, Redis
from tests.programs import program
from tests.webhooks.queues import in_rabbitmq, in_redis, opened, recorded
from webhooks.consuming.brokers import Body
from webhooks.consuming.opening import road_of

PAGE = settings.BASE_DIR / "docs/queues.md"
EXAMPLE = "broker.example.com"

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


def assert_recorded(body: Body, event_id: str) -> None:
    campaign: Campaign = make_campaign()
    road_of("orders", campaign.public_id, None).bring([body], wall=timezone.now())
    assert recorded(campaign) == [event_id]


def test_the_example_for_rabbitmq(request: pytest.FixtureRequest) -> None:
    with in_rabbitmq(request) as queue:
        (example,) = snippets(PAGE, "python")
        theirs = f"amqp://shop:secret@{EXAMPLE}/vhost"
        assert theirs in example
        exec(example.replace(theirs, queue.url), {})  # noqa: S102 - our own page
        with opened(queue) as broker:
            (body,) = broker.take(1)
    assert_recorded(body, "order-3001")


def test_the_example_for_redis(request: pytest.FixtureRequest) -> None:
    program("redis-cli")
    with in_redis(request) as queue:
        (example,) = [e for e in snippets(PAGE, "sh") if e.startswith("redis-cli")]
        command = example.replace(f"redis://{EXAMPLE}", queue.url)
        subprocess.run([program("bash"), "-c", command], check=True, timeout=10)
        with opened(queue) as broker:
            (body,) = broker.take(1)
    assert_recorded(body, "order-3002")


def test_the_example_for_postgresql() -> None:
    (example,) = snippets(PAGE, "sql")
    with connection.cursor() as cursor:
        cursor.execute(example)
        cursor.execute("SELECT message::text FROM pgmq.pop('orders')")
        (body,) = cursor.fetchone()
        cursor.execute("SELECT pgmq.drop_queue('orders')")
    assert_recorded(body, "order-3003")
