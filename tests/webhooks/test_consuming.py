"""Events from queues of real brokers: recorded once, acknowledged after the commit."""

import json
import time
from collections.abc import Callable, Iterator

import pytest

from referrals.models import Campaign
from tests.factories import make_campaign
from tests.long.brokers import RabbitMQ, Redis
from tests.webhooks.queues import KINDS, Queue, opened, order, recorded
from webhooks.consuming.consumer import Consumer
from webhooks.consuming.opening import broker_of, road_of
from webhooks.models import Arrival

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    broker = Redis(tmp_path_factory.mktemp("redis"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
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


def consumer_of(queue: Queue, campaign: Campaign) -> Consumer:
    return Consumer(
        broker_of(queue.url, "orders"), road_of("orders", campaign.public_id, None)
    )


def consume(queue: Queue, campaign: Campaign, until: Callable[[], bool]) -> Consumer:
    """Run a consumer until something is so; ten seconds must do."""
    consumer, deadline = consumer_of(queue, campaign), time.monotonic() + 10
    consumer.run(lambda: until() or time.monotonic() > deadline)
    return consumer


def test_events_of_a_queue_are_recorded(queue: Queue, campaign: Campaign) -> None:
    queue.send(*[order(n) for n in range(3)])

    consumer = consume(queue, campaign, lambda: campaign.events.count() == 3)

    assert recorded(campaign) == ["order-0", "order-1", "order-2"]
    assert str(consumer.tally).startswith("3 events recorded, 0 known before")
    assert queue.count() == 0


def test_a_repeated_message_changes_nothing(queue: Queue, campaign: Campaign) -> None:
    queue.send(order(1), order(1), order(2))

    consumer = consume(queue, campaign, lambda: campaign.events.count() == 2)

    assert recorded(campaign) == ["order-1", "order-2"]
    assert (consumer.tally.recorded, consumer.tally.known) == (2, 1)


def test_what_is_no_event_is_set_aside_with_its_reason(
    queue: Queue, campaign: Campaign
) -> None:
    queue.send(order(1), json.dumps([1]), order(2, amount="-1"), order(3))

    consume(queue, campaign, lambda: campaign.events.count() == 2)

    assert recorded(campaign) == ["order-1", "order-3"]
    aside = Arrival.objects.filter(campaign=campaign).order_by("id")
    assert [(each.status, each.code) for each in aside] == [
        ("refused", "wrong_body"),
        ("refused", "invalid_amount"),
    ]
    assert aside[1].reason.startswith("amount: ")
    assert json.loads(bytes(aside[1].body or b""))["event_id"] == "order-2"
    assert queue.count() == 0


def test_what_was_not_acknowledged_goes_back(queue: Queue, campaign: Campaign) -> None:
    queue.send(*[order(n) for n in range(5)])
    with opened(queue) as broker:
        assert len(broker.take(500)) == 5

    with opened(queue) as other:
        again = other.take(500)

    assert [json.loads(body)["event_id"] for body in again] == [
        f"order-{n}" for n in range(5)
    ]


def test_what_was_acknowledged_is_gone(queue: Queue, campaign: Campaign) -> None:
    queue.send(*[order(n) for n in range(5)])
    with opened(queue) as broker:
        assert len(broker.take(2)) == 2
        broker.done()

    with opened(queue) as other:
        again = other.take(500)

    assert [json.loads(body)["event_id"] for body in again] == [
        "order-2",
        "order-3",
        "order-4",
    ]


def test_an_empty_queue_is_waited_at_for_a_second(queue: Queue) -> None:
    with opened(queue) as broker:
        began = time.monotonic()
        assert list(broker.take(500)) == []

    assert 0.8 < time.monotonic() - began < 3
