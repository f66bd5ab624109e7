"""Events from queues of real brokers: recorded once, acknowledged after the commit."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from kombu import Connection

from referral_factory.ids import to_public
from referrals.models import Campaign
from tests.factories import NOBODY, make_campaign, make_source
from tests.long.brokers import RabbitMQ, Redis, free_port
from tests.webhooks.queues import (
    KINDS,
    Queue,
    in_postgresql,
    in_redis,
    opened,
    order,
    recorded,
)
from webhooks.consuming.brokers import BrokerAway, NoQueue, unwrapped
from webhooks.consuming.consumer import Consumer
from webhooks.consuming.opening import broker_of, road_of
from webhooks.consuming.road import Tally
from webhooks.models import Arrival, Source

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


def consumer_of(
    queue: Queue, campaign: Campaign, source: Source | None = None
) -> Consumer:
    named = source.public_id if source else None
    road = road_of("orders", None if source else campaign.public_id, named)
    return Consumer(broker_of(queue.url, "orders"), road)


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


def test_what_could_not_be_recorded_stays_in_its_queue(
    queue: Queue, campaign: Campaign
) -> None:
    queue.send(order(1))
    consumer = consumer_of(queue, campaign, make_source(campaign=campaign))
    Source.objects.update(deleted_at=timezone.now())

    with pytest.raises(NoQueue):
        consumer.run(lambda: False)

    with opened(queue) as other:
        assert len(other.take(500)) == 1


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


@pytest.mark.parametrize("kind", ["rabbitmq", "pgmq"])
def test_a_queue_that_is_not_there_is_said(
    kind: str, request: pytest.FixtureRequest
) -> None:
    with KINDS[kind](request) as queue:
        broker = broker_of(queue.url, "nowhere")
        with pytest.raises(NoQueue, match="nowhere"):
            broker.open()
        broker.close()


def test_a_key_of_redis_that_is_no_list_is_said(
    request: pytest.FixtureRequest,
) -> None:
    with in_redis(request) as queue:
        queue.client.set("orders", "text")
        broker = broker_of(queue.url, "orders")
        with pytest.raises(NoQueue, match="orders is no list"):
            broker.open()
        broker.close()


@pytest.mark.parametrize("url", ["http://queue.example", "redis", "", "file:///etc"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(NoQueue, match="starts with one of: amqp://"):
        broker_of(url, "orders")


@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
def test_a_broker_that_is_away_may_come_back(kind: str) -> None:
    scheme = {"redis": "redis", "rabbitmq": "amqp"}[kind]
    broker = broker_of(f"{scheme}://127.0.0.1:{free_port()}/", "orders")
    with pytest.raises(BrokerAway):
        broker.open()
    broker.close()


def test_what_a_killed_consumer_had_of_redis_goes_to_the_next(
    request: pytest.FixtureRequest,
) -> None:
    with in_redis(request) as queue:
        queue.send(*[order(n) for n in range(4)])
        with opened(queue) as killed, opened(queue) as other:
            assert len(killed.take(3)) == 3
            assert len(other.take(500)) == 1
            held: Any = queue.client.zrange("{orders}:held", 0, -1)
            ended: Any = dict.fromkeys(held, 1)
            queue.client.zadd("{orders}:held", ended)
            again = other.take(500)
        assert len(again) == 4
        assert queue.count() == 4
        assert queue.client.keys() == [b"orders"]


def test_messages_in_kombus_envelopes_are_opened(
    request: pytest.FixtureRequest,
) -> None:
    with in_redis(request) as queue, Connection(queue.url) as connection:
        connection.Producer().publish(json.loads(order(1)), routing_key="orders")
        with opened(queue) as broker:
            (body,) = broker.take(500)
        assert json.loads(body) == json.loads(order(1))


def test_what_only_looks_like_an_envelope_is_a_message() -> None:
    properties = '"properties": {"body_encoding": "utf-8"}'
    others = [f'{{"body": {body}, {properties}}}' for body in ("5", "null", "{}")]
    for text in (
        '{"body_encoding": 1}',
        '{"properties": {"body_encoding": "base64"}}',
        *others,
    ):
        assert unwrapped(text) == text
        assert unwrapped(text.encode()) == text.encode()


def test_another_postgresql_is_read_by_its_address(
    request: pytest.FixtureRequest,
) -> None:
    ours = connection.settings_dict
    place = f"host={quote(str(ours['HOST']), safe='')}&port={ours['PORT']}"
    with in_postgresql(request) as queue:
        queue.send(order(1))
        url = f"pgmq://{ours['USER']}@/{ours['NAME']}?{place}"
        broker = broker_of(url, "orders")
        broker.open()
        assert len(broker.take(500)) == 1
        broker.done()
        broker.close()
        assert queue.count() == 0


# --- The road ---


def bring(campaign: Campaign, *bodies: str | bytes, source: str = "") -> Tally:
    road = road_of("orders", campaign.public_id if not source else None, source or None)
    return road.bring(bodies, wall=timezone.now())


def test_a_source_reads_messages_in_words_of_their_own(campaign: Campaign) -> None:
    source = make_source(
        campaign=campaign,
        mapping={
            "when": "body.kind == 'sale'",
            "event_id": "body.number",
            "name": "'purchase'",
            "participant": {"external_id": "body.who"},
        },
    )
    sale = {"kind": "sale", "number": "s-1", "who": "c-1"}
    bodies = [json.dumps(each) for each in (sale, {"kind": "visit"}, {"who": "c-1"})]

    came = bring(campaign, *bodies, source=source.public_id)

    assert came == Tally(recorded=1, known=0, ignored=1, refused=1)
    event = campaign.events.get()
    assert (event.event_id, event.source) == ("s-1", source.public_id)
    aside = Arrival.objects.get()
    assert (aside.source, aside.road, aside.code) == (
        source,
        "queue",
        "cannot_evaluate",
    )


def test_a_source_that_was_deleted_ends_its_queue(campaign: Campaign) -> None:
    source = make_source(campaign=campaign)
    road = road_of("orders", None, source.public_id)
    Source.objects.update(deleted_at=timezone.now())

    with pytest.raises(NoQueue, match="was deleted"):
        road.bring([order(1)], wall=timezone.now())
    with pytest.raises(NoQueue, match="There is no src_"):
        road_of("orders", None, source.public_id)


def test_an_event_says_which_queue_it_came_by(campaign: Campaign) -> None:
    bring(campaign, order(1))

    assert campaign.events.get().source == "queue:orders"


HOSTILE = {
    b"": "malformed_json",
    b"{": "malformed_json",
    b"\xff\xfe": "not_utf8",
    b"null": "wrong_body",
    b'{"a": NaN}': "malformed_json",
    b'{"a": 1, "a": 2}': "duplicate_key",
    b'{"event_id": "\\u0000"}': "bad_text",
    b"[" * 100_000: "too_deep",
    b" " * (256 * 1024 + 1): "body_too_large",
    order(1, campaign="cmp_other").encode(): "wrong_campaign",
    order(1, surprise=1).encode(): "unknown_field",
    order(1, occurred_at="2999-01-01T00:00:00Z").encode(): "in_the_future",
    order(1, participant={"code": "nobody-has-it"}).encode(): "unknown",
}


@pytest.mark.parametrize(("body", "code"), HOSTILE.items(), ids=HOSTILE.values())
def test_bad_messages_are_set_aside_and_good_ones_recorded(
    campaign: Campaign, body: bytes, code: str
) -> None:
    came = bring(campaign, order(8), body, order(9))

    assert came == Tally(recorded=2, known=0, ignored=0, refused=1)
    aside = Arrival.objects.get()
    assert (aside.code, aside.size) == (code, len(body))
    assert aside.reason
    assert (aside.body is None) == (code == "body_too_large")


def test_changed_rules_hold_for_the_next_batch(campaign: Campaign) -> None:
    road = road_of("orders", campaign.public_id, None)
    road.bring([order(1)], wall=timezone.now())
    Campaign.objects.update(milestone_event="account_funded")
    road.bring([order(2)], wall=timezone.now())

    first, second = campaign.events.order_by("event_id")
    assert (first.outcome, second.outcome) == ("unmatched", "recorded")


def test_who_takes_no_events_yet_is_refused_at_the_start() -> None:
    draft = make_campaign(status="draft", launched_at=None)
    with pytest.raises(NoQueue, match="was not launched yet"):
        road_of("orders", draft.public_id, None)
    with pytest.raises(NoQueue, match="Not an id"):
        road_of("orders", "nonsense", None)
    with pytest.raises(CommandError, match="There is no cmp_"):
        call_command("consume", "pgmq://", "q", campaign=to_public("cmp", NOBODY))
