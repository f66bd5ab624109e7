"""What is recorded, when something happens."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from referral_factory.ids import new_id
from referrals.models import Campaign, Participant, Referral
from referrals.services.participants import block_participant, unblock_participant
from referrals.services.referrals import qualify_referral
from referrals.signals import participant_updated
from rewards.models import Reward
from tests.factories import (
    make_campaign,
    make_participant,
    make_referral,
    make_reward,
    make_rule,
)
from tests.webhooks.receiver import make_endpoint
from webhooks import outbox
from webhooks.catalogue import MESSAGE_TYPES, MessageType, described, on_fact
from webhooks.models import Delivery, Message, MessageCount


def make_some_reward(**fields: Any) -> Reward:
    return make_reward(**{"campaign": make_campaign(), **fields})


MAKERS: dict[type, Callable[..., Any]] = {
    Campaign: make_campaign,
    Participant: make_participant,
    Referral: make_referral,
    Reward: make_some_reward,
}
SENT = [
    each for each in MESSAGE_TYPES.values() if each.signals and each.model in MAKERS
]


def qualify(referral: Referral) -> None:
    qualify_referral(referral, now=timezone.now())


def data_of(body: str) -> str:
    return body.partition('"data":')[2][:-1]


@pytest.mark.parametrize(
    ("name", "make", "path"),
    [
        ("campaign.launched", make_campaign, "campaigns"),
        ("participant.created", make_participant, "participants"),
        ("participant.updated", make_participant, "participants"),
        ("referral.created", make_referral, "referrals"),
        ("reward.approved", make_some_reward, "rewards"),
    ],
)
def test_message_carries_byte_for_byte_what_the_api_shows(
    api: APIClient, name: str, make: Callable[..., Any], path: str
) -> None:
    row = make()
    Message.objects.all().delete()

    message_type = MESSAGE_TYPES[name]
    message_type.signals[-1].send(sender=message_type.model, instances=[row])

    shown = api.get(f"/api/v1/{path}/{row.public_id}").content.decode()
    assert data_of(Message.objects.get(type=name).body) == shown


def test_envelope_says_what_the_contract_says() -> None:
    referral = make_referral()

    qualify(referral)

    message = Message.objects.get(type="referral.qualified")
    body = json.loads(message.body)
    assert list(body) == [
        "type",
        "timestamp",
        "id",
        "mode",
        "campaign",
        "sequence",
        "data",
    ]
    assert body["type"] == "referral.qualified"
    assert body["timestamp"].endswith("Z")
    assert body["id"] == message.public_id
    assert body["mode"] == "test"
    assert body["campaign"] == referral.campaign.public_id
    assert body["sequence"] == 1
    assert body["data"]["id"] == referral.public_id


def test_message_is_undone_with_the_change_that_it_reports() -> None:
    make_endpoint()
    referral = make_referral()

    with transaction.atomic():
        qualify(referral)
        assert Delivery.objects.exists()
        transaction.set_rollback(True)

    assert not Message.objects.exists()
    assert not Delivery.objects.exists()
    assert not MessageCount.objects.exists()


def test_cause_comes_before_its_effect() -> None:
    referral = make_referral()
    make_rule(campaign=referral.campaign)

    qualify(referral)

    types = list(Message.objects.order_by("id").values_list("type", flat=True))
    assert types[:2] == ["referral.qualified", "reward.created"]


def test_being_unblocked_is_told_as_an_update() -> None:
    participant = make_participant()

    unblock_participant(block_participant(participant))

    types = list(Message.objects.order_by("id").values_list("type", flat=True))
    assert types == ["participant.blocked", "participant.updated"]


@pytest.mark.parametrize("message_type", SENT, ids=lambda each: each.name)
def test_batch_takes_a_fixed_number_of_statements(
    message_type: MessageType, django_assert_num_queries: Any
) -> None:
    """To write, and to read what is not at hand, with its relations."""
    campaign = make_campaign()
    make = MAKERS[message_type.model]
    given = {} if make is make_campaign else {"campaign": campaign}
    make_endpoint()
    rows = [make(**given) for _ in range(12)]
    relations = 1 if message_type.model is Participant else 0
    expected = 1 + (0 if message_type.at_hand else 1 + relations)

    for count in (1, 11):
        batch = rows[:1] if count == 1 else rows[1:]
        with django_assert_num_queries(expected):
            on_fact(message_type, instances=batch)
    assert Delivery.objects.count() >= 12


def test_sequence_counts_each_object_for_itself() -> None:
    first, second = make_participant(), make_participant()

    for instances in ([first], [first, second], [second, first]):
        participant_updated.send(sender=Participant, instances=instances)

    sequences = [
        list(
            Message.objects.filter(object_id=row.pk)
            .order_by("id")
            .values_list("sequence", flat=True)
        )
        for row in (first, second)
    ]
    assert sequences == [[1, 2, 3], [1, 2]]


def test_one_object_twice_in_a_batch_counts_twice() -> None:
    key = new_id()
    facts = [outbox.Fact(key, "test", None, {})] * 2

    outbox.record("ping", facts)

    found = Message.objects.order_by("id").values_list("sequence", flat=True)
    assert list(found) == [1, 2]


def test_messages_told_together_keep_their_order_and_numbers() -> None:
    make_endpoint()
    person = make_participant()

    with CaptureQueriesContext(connection) as captured, outbox.together():
        participant_updated.send(sender=Participant, instances=[person])
        block_participant(person)

    told = Message.objects.filter(object_id=person.pk).order_by("id")
    assert list(told.values_list("type", "sequence")) == [
        ("participant.updated", 1),
        ("participant.blocked", 2),
    ]
    assert Delivery.objects.count() == 2
    writes = [each for each in captured if "webhooks_message" in each["sql"]]
    assert len(writes) == 1


def test_nothing_is_told_of_what_was_undone_together() -> None:
    person = make_participant()

    with suppress(ValueError), outbox.together():
        participant_updated.send(sender=Participant, instances=[person])
        raise ValueError

    assert not Message.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_sequence_grows_by_one_under_two_racing_threads() -> None:
    keys = [new_id() for _ in range(3)]
    start = threading.Barrier(2)

    def tell(order: list[Any]) -> None:
        start.wait()
        for _ in range(20):
            facts = [outbox.Fact(key, "test", None, {}) for key in order]
            outbox.record("ping", facts)
        connection.close()

    threads = [
        threading.Thread(target=tell, args=[order]) for order in (keys, keys[::-1])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for key in keys:
        told = Message.objects.filter(object_id=key).values_list("sequence", flat=True)
        assert sorted(told) == list(range(1, 41))


@contextmanager
def slow_counting() -> Iterator[None]:
    """Have each counter take 50 ms, so that two batches surely meet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION tarry() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END';"
            "CREATE TRIGGER tarry BEFORE INSERT OR UPDATE ON webhooks_messagecount"
            " FOR EACH ROW EXECUTE FUNCTION tarry()"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION tarry CASCADE")


@pytest.mark.django_db(transaction=True)
def test_batches_in_opposite_order_do_not_wait_for_each_other_in_a_circle() -> None:
    keys = [new_id() for _ in range(4)]
    start, recorded = threading.Barrier(2), []

    def tell(order: list[Any]) -> None:
        start.wait()
        facts = [outbox.Fact(key, "test", None, {}) for key in order]
        with suppress(OperationalError):
            recorded.extend(outbox.record("ping", facts))
        connection.close()

    with slow_counting():
        orders = (keys, keys[::-1])
        threads = [threading.Thread(target=tell, args=[order]) for order in orders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(recorded) == 8


@pytest.mark.parametrize(
    ("wants", "gets"),
    [
        ({}, True),
        ({"types": ["referral.qualified"]}, True),
        ({"types": ["reward.created"]}, False),
        ({"mode": "live"}, False),
        ({"status": "disabled", "disabled_reason": "Holidays."}, False),
        ({"deleted_at": timezone.now()}, False),
    ],
)
def test_endpoint_gets_what_it_wants(wants: dict[str, Any], gets: bool) -> None:
    endpoint = make_endpoint(**wants)

    qualify(make_referral())

    assert endpoint.deliveries.exists() == gets


def test_endpoint_gets_messages_of_its_campaigns_only() -> None:
    mine, other = make_referral(), make_referral()
    endpoint = make_endpoint(campaign_ids=[mine.campaign_id])

    qualify(other)
    qualify(mine)

    (delivery,) = endpoint.deliveries.all()
    message = Message.objects.get(pk=delivery.message_id)
    assert message.campaign_id == mine.campaign_id


def test_ids_of_a_delivery_and_its_message_sort_alike() -> None:
    make_endpoint()

    outbox.record("ping", [outbox.Fact(new_id(), "test", None, {})])

    delivery, message = Delivery.objects.get(), Message.objects.get()
    assert str(delivery.pk)[:18] == str(message.pk)[:18]
    assert delivery.pk.version == 7


def test_every_type_of_the_catalogue_has_a_sample() -> None:
    names = [each["name"] for each in described()]

    assert names == list(MESSAGE_TYPES)
    assert all(each["sample"]["id"] for each in described())
