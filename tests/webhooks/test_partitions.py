"""Tables that are cut into months: made ahead, never in the way, dropped by age."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from referral_factory import partitions
from referral_factory.ids import new_id
from webhooks.models import Message
from webhooks.tasks import care_for_partitions

MOMENT = datetime(2031, 5, 17, 12, tzinfo=UTC)


def months(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = %s::regclass ORDER BY 1",
            [table],
        )
        return [name.removeprefix(f"{table}_") for (name,) in cursor.fetchall()]


def make_message(moment: datetime) -> Message:
    key = UUID(int=partitions.floor(moment).int + new_id().int % 2**60)
    return Message.objects.create(
        id=key, mode="test", type="ping", object_id=key, sequence=1, body="{}"
    )


def kept_in(message: Message) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM webhooks_message WHERE id = %s",
            [message.pk],
        )
        name: str = cursor.fetchone()[0]
    return name


def test_fresh_database_has_this_month_and_the_next() -> None:
    this = partitions.Month.of(timezone.now())

    for table in partitions.TABLES:
        expected = [this.table(table), this.next().table(table)]
        assert {name.removeprefix(f"{table}_") for name in expected} <= {*months(table)}
        assert "default" in months(table)


def test_new_message_is_kept_in_its_month() -> None:
    message = make_message(timezone.now())

    assert kept_in(message) == partitions.Month.of(timezone.now()).table(
        "webhooks_message"
    )


def test_lowest_key_of_a_moment_is_a_valid_one() -> None:
    lowest = partitions.floor(MOMENT)

    assert lowest.version == 7
    assert partitions.made_at(lowest) == MOMENT
    assert partitions.floor(MOMENT + timedelta(milliseconds=1)) > lowest
    assert partitions.floor(timezone.now() - timedelta(seconds=1)) < new_id()


def test_year_ends_after_december() -> None:
    assert partitions.Month(2026, 12).next() == (2027, 1)
    assert partitions.Month(2026, 11).next() == (2026, 12)


def test_making_months_again_makes_none() -> None:
    partitions.ensure(MOMENT)

    assert partitions.ensure(MOMENT) == []
    assert {"2031_05", "2031_06"} <= {*months("webhooks_message")}


def test_rows_of_a_month_that_was_missed_move_there() -> None:
    message = make_message(MOMENT)
    assert kept_in(message) == "webhooks_message_default"

    made = partitions.ensure(MOMENT + timedelta(days=60))

    assert kept_in(message) == "webhooks_message_2031_05"
    assert {f"webhooks_message_2031_0{n}" for n in (5, 6, 7, 8)} <= {*made}


def test_months_that_ended_before_are_dropped_whole() -> None:
    old, newer = MOMENT, MOMENT + timedelta(days=31)
    partitions.ensure(old)
    make_message(old)
    kept = make_message(newer)

    dropped = partitions.drop_before("webhooks_message", newer)

    assert "webhooks_message_2031_05" in dropped
    assert list(Message.objects.filter(pk__gte=partitions.floor(old))) == [kept]


def test_daily_care_drops_what_is_older_than_is_kept() -> None:
    then = timezone.now() - timedelta(days=150)
    partitions.ensure(then)
    name = partitions.Month.of(then).table("")[1:]
    assert name in months("webhooks_message")

    care_for_partitions()

    assert name not in months("webhooks_message")
    assert name not in months("webhooks_delivery")
    assert name in months("referrals_click")  # kept for longer


@pytest.mark.django_db(transaction=True)
def test_two_caretakers_at_once_do_not_collide() -> None:
    start, made = threading.Barrier(2), []
    moment = MOMENT + timedelta(days=365)

    def care() -> None:
        start.wait()
        made.append(partitions.ensure(moment))
        connection.close()

    threads = [threading.Thread(target=care) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(bool, made)) == [False, True]
    for table in partitions.TABLES:
        partitions.drop_before(table, moment + timedelta(days=90))
    partitions.ensure(timezone.now())
