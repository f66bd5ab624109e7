"""The change feed: every message has one place, and a reader misses none."""

import random
import threading
import time

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from referral_factory.ids import new_id
from tests.api.callers import caller, make_key
from tests.factories import make_campaign, make_referral
from tests.webhooks.test_messages import qualify
from webhooks import outbox
from webhooks.feed import LOCK, number_messages
from webhooks.models import Message


def tell(count: int = 1, message_type: str = "ping") -> None:
    facts = [outbox.Fact(new_id(), "test", None, {"n": n}) for n in range(count)]
    outbox.record(message_type, facts)


def read(api: APIClient, query: str = "") -> list[int]:
    answer = api.get(f"/api/v1/messages?{query}").json()
    return [each["data"]["n"] for each in answer["results"]]


def test_message_without_a_position_is_not_in_the_feed_yet(api: APIClient) -> None:
    tell(2)
    assert read(api) == []

    assert number_messages() == 2

    assert read(api) == [0, 1]


def test_reader_goes_on_after_the_last_position(api: APIClient) -> None:
    tell(3)
    number_messages()
    first = api.get("/api/v1/messages?limit=2").json()
    assert first["next"].endswith(f"after={first['results'][-1]['position']}")

    second = api.get(first["next"]).json()

    assert [each["data"]["n"] for each in second["results"]] == [2]
    assert second["next"] is None
    after = second["results"][-1]["position"]
    assert read(api, f"after={after}") == []
    tell()
    number_messages()
    assert read(api, f"after={after}") == [0]


def test_positions_are_given_once(api: APIClient) -> None:
    tell(2)
    number_messages()
    before = list(Message.objects.order_by("id").values_list("position", flat=True))

    assert number_messages() == 0

    after = list(Message.objects.order_by("id").values_list("position", flat=True))
    assert before == after == sorted(each or 0 for each in before)


def test_feed_is_narrowed_down_by_type_and_campaign(api: APIClient) -> None:
    tell()
    mine, other = make_referral(), make_referral()
    qualify(mine)
    qualify(other)
    number_messages()

    by_type = api.get("/api/v1/messages?type=ping").json()["results"]
    campaign = mine.campaign.public_id
    by_campaign = api.get(f"/api/v1/messages?campaign={campaign}").json()["results"]

    assert [each["type"] for each in by_type] == ["ping"]
    assert {each["campaign"] for each in by_campaign} == {campaign}


def test_key_of_some_campaigns_reads_of_no_others() -> None:
    mine, other = make_campaign(), make_campaign()
    api = caller(make_key(mode="test", campaign_ids=[mine.pk])[1])
    qualify(make_referral(campaign=mine))
    qualify(make_referral(campaign=other))
    tell()
    number_messages()
    hidden = Message.objects.filter(campaign_id=other.pk)[0]

    shown = api.get("/api/v1/messages").json()["results"]

    assert {each["campaign"] for each in shown} == {mine.public_id}
    assert api.get(f"/api/v1/messages/{hidden.public_id}").status_code == 404


def test_key_of_the_other_mode_reads_nothing() -> None:
    tell()
    number_messages()

    assert read(caller(make_key(mode="live")[1])) == []


@pytest.mark.parametrize(
    "query",
    ["after=x", "after=-1", "after=1.5", "after=" + "9" * 30, "cursor=1", "a=1"],
)
def test_senseless_query_is_refused(api: APIClient, query: str) -> None:
    assert api.get(f"/api/v1/messages?{query}").status_code == 400


@pytest.mark.django_db(transaction=True)
def test_only_one_numberer_works_at_a_time() -> None:
    tell()
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            holding.set()
            done.wait(5)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(5)
    assert number_messages() == 0
    done.set()
    thread.join()
    assert number_messages() == 1


def positions_after(position: int) -> list[int]:
    rows = Message.objects.filter(position__gt=position).order_by("position")
    return [row.position or 0 for row in rows]


@pytest.mark.django_db(transaction=True)
def test_reader_misses_nothing_that_is_committed_late() -> None:
    """Writers commit in another order than they began, while one reads along."""
    writers, each = 4, 25

    def write(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - not a secret
        for _ in range(each):
            with transaction.atomic():
                tell()
                time.sleep(chance.random() / 100)
        connection.close()

    threads = [threading.Thread(target=write, args=[n]) for n in range(writers)]
    for thread in threads:
        thread.start()
    seen: list[int] = []
    while any(thread.is_alive() for thread in threads) or number_messages():
        number_messages()
        seen += positions_after(seen[-1] if seen else 0)
    seen += positions_after(seen[-1])

    assert len(seen) == len(set(seen)) == writers * each
    in_feed = list(Message.objects.order_by("position").values_list("id", flat=True))
    assert in_feed != sorted(in_feed)  # or this test has shown nothing
