"""What becomes of a delivery, by what the receiver answers."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings
from standardwebhooks import Webhook

from referral_factory.ids import new_id
from tests.webhooks.receiver import (
    Receiver,
    deliver,
    drip,
    flood,
    hang,
    make_endpoint,
    reset,
    status,
)
from webhooks import outbox, queue, signing
from webhooks.models import Attempt, Delivery, Endpoint, Message
from webhooks.schedule import JITTER, RETRIES
from webhooks.services import disable_endpoint, enable_endpoint, rotate_secret
from webhooks.transport import KEPT


def tell(count: int = 1, message_type: str = "referral.qualified") -> list[Any]:
    """Record messages about nothing in particular."""
    facts = [outbox.Fact(new_id(), "test", new_id(), {"n": n}) for n in range(count)]
    return outbox.record(message_type, facts)


def one() -> tuple[Delivery, Attempt]:
    return Delivery.objects.get(), Attempt.objects.latest("id")


def test_message_is_delivered_and_verified(receiver: Receiver) -> None:
    secret = signing.new_secret()
    make_endpoint(receiver.url, secret=secret)
    tell()

    deliver()

    delivery, attempt = one()
    (received,) = receiver.received
    assert (delivery.status, delivery.attempts) == (Delivery.Status.DELIVERED, 1)
    assert delivery.finished_at is not None
    assert (attempt.number, attempt.status_code, attempt.error) == (1, 200, "")
    assert attempt.response_body == "thanks"
    message = Message.objects.get()
    assert received.body == message.body.encode()
    assert received.headers["webhook-id"] == message.public_id
    Webhook(secret).verify(received.body, received.headers)


def test_failure_is_tried_again_by_the_schedule(receiver: Receiver) -> None:
    receiver.replies = [status(500, b"oops"), status(200)]
    make_endpoint(receiver.url)
    tell()

    deliver()
    delivery, attempt = one()
    assert delivery.status == Delivery.Status.PENDING
    assert (attempt.status_code, attempt.response_body) == (500, "oops")
    wait = delivery.due_at - timezone.now()
    assert abs(wait - RETRIES[0]) <= JITTER * RETRIES[0] + timedelta(seconds=1)

    Delivery.objects.update(due_at=timezone.now())
    deliver()
    delivery, attempt = one()
    assert delivery.status == Delivery.Status.DELIVERED
    assert (attempt.number, attempt.status_code) == (2, 200)
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_last_failure_is_final(receiver: Receiver) -> None:
    receiver.replies = [status(503)]
    make_endpoint(receiver.url)
    tell()
    Delivery.objects.update(attempts=len(RETRIES))

    deliver()

    assert one()[0].status == Delivery.Status.FAILED


def test_redirect_is_a_failure_and_not_followed(receiver: Receiver) -> None:
    receiver.replies = [status(302, Location="/elsewhere")]
    make_endpoint(receiver.url)
    tell()

    deliver()

    delivery, attempt = one()
    assert delivery.status == Delivery.Status.PENDING
    assert attempt.error == "A redirect, which is not followed."
    assert [each.path for each in receiver.received] == ["/hook"]


def test_gone_disables_the_endpoint_and_tells_the_others(receiver: Receiver) -> None:
    receiver.replies = [status(410)]
    gone = make_endpoint(receiver.url, types=["referral.qualified"])
    other = make_endpoint("http://127.0.0.1:9/closed", types=["endpoint.disabled"])
    tell()

    deliver()

    gone.refresh_from_db()
    assert gone.status == Endpoint.Status.DISABLED
    assert gone.disabled_reason == "It answered 410 Gone."
    assert gone.deliveries.get().status == Delivery.Status.FAILED
    message = Message.objects.get(type="endpoint.disabled")
    assert other.deliveries.get().message_id == message.pk
    assert gone.public_id in message.body


def test_endpoint_that_failed_for_days_is_disabled(receiver: Receiver) -> None:
    receiver.replies = [status(500)]
    since = timezone.now() - timedelta(days=5, hours=1)
    endpoint = make_endpoint(receiver.url, failing_since=since)
    tell()

    deliver()

    endpoint.refresh_from_db()
    assert endpoint.status == Endpoint.Status.DISABLED
    assert "5 days" in endpoint.disabled_reason
    assert one()[0].status == Delivery.Status.PENDING


def test_success_ends_a_row_of_failures(receiver: Receiver) -> None:
    receiver.replies = [status(500), status(200)]
    endpoint = make_endpoint(receiver.url)
    tell()
    deliver()
    endpoint.refresh_from_db()
    assert endpoint.failing_since is not None

    tell()
    deliver()

    endpoint.refresh_from_db()
    assert endpoint.failing_since is None


@pytest.mark.parametrize(
    ("asked", "seconds"), [("3600", 3600), ("1", 5), ("9999999", 24 * 3600)]
)
def test_retry_after_is_honoured_within_bounds(
    receiver: Receiver, asked: str, seconds: int
) -> None:
    receiver.replies = [status(429, Retry_After=asked)]
    make_endpoint(receiver.url)
    tell()

    deliver()

    wait = (one()[0].due_at - timezone.now()).total_seconds()
    assert wait == pytest.approx(seconds, rel=JITTER + 0.01, abs=1)


@pytest.mark.parametrize("reply", [hang(1.2), drip])
def test_whole_exchange_has_one_deadline(
    receiver: Receiver, settings: Settings, reply: Any
) -> None:
    settings.WEBHOOKS_TIMEOUT = timedelta(seconds=0.4)
    receiver.replies = [reply]
    make_endpoint(receiver.url)
    tell()

    deliver()

    delivery, attempt = one()
    assert delivery.status == Delivery.Status.PENDING
    assert attempt.error == "No complete answer within 0.4 s."
    assert 380 <= attempt.latency_ms <= 900


def test_endless_body_is_read_no_further_than_it_is_kept(receiver: Receiver) -> None:
    receiver.replies = [flood]
    make_endpoint(receiver.url)
    tell()

    deliver()

    delivery, attempt = one()
    assert delivery.status == Delivery.Status.DELIVERED
    assert attempt.response_body == "x" * KEPT


def test_reset_is_a_failure(receiver: Receiver) -> None:
    receiver.replies = [reset]
    make_endpoint(receiver.url)
    tell()

    deliver()

    delivery, attempt = one()
    assert delivery.status == Delivery.Status.PENDING
    assert (attempt.status_code, bool(attempt.error)) == (None, True)


def test_answer_that_is_no_text_is_kept_as_far_as_it_is(receiver: Receiver) -> None:
    receiver.replies = [status(200, b"\x00\xff ok")]
    make_endpoint(receiver.url)
    tell()

    deliver()

    assert one()[1].response_body == "\ufffd\ufffd ok"


def test_failing_endpoint_does_not_hold_up_another(receiver: Receiver) -> None:
    make_endpoint("http://127.0.0.1:9/closed")
    healthy = make_endpoint(receiver.url)
    tell(200)

    deliver()

    delivered = healthy.deliveries.filter(status=Delivery.Status.DELIVERED)
    assert delivered.count() == 200


def test_connections_are_used_again(receiver: Receiver) -> None:
    make_endpoint(receiver.url)
    tell(300)

    deliver()

    assert len(receiver.received) == 300
    assert receiver.connections <= 64


def test_extra_headers_go_along(receiver: Receiver) -> None:
    make_endpoint(receiver.url, headers={"X-Gateway": "open"})
    tell()

    deliver()

    assert receiver.received[0].headers["X-Gateway"] == "open"


def test_old_secret_signs_too_until_its_time_is_over(receiver: Receiver) -> None:
    old = signing.new_secret()
    endpoint = make_endpoint(receiver.url, secret=old)
    new = rotate_secret(endpoint, now=timezone.now())
    tell()
    deliver()
    first = receiver.received[-1]
    for secret in (old, new):
        Webhook(secret).verify(first.body, first.headers)

    Endpoint.objects.update(old_secret_until=timezone.now())
    tell()
    deliver()
    assert len(receiver.received[-1].headers["webhook-signature"].split(" ")) == 1


def test_secret_that_cannot_be_read_stops_nobody_else(
    receiver: Receiver, settings: Settings
) -> None:
    broken, healthy = make_endpoint(receiver.url), make_endpoint(receiver.url)
    Endpoint.objects.filter(pk=broken.pk).update(secret="gAAAA")  # noqa: S106
    tell()

    deliver()

    attempt = Attempt.objects.get(delivery_id=broken.deliveries.get().pk)
    assert "its secret cannot be read" in attempt.error
    assert healthy.deliveries.get().status == Delivery.Status.DELIVERED


def test_disabled_endpoint_gets_nothing_until_it_is_enabled(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver.url)
    tell()
    disable_endpoint(endpoint, reason="Holidays.")
    tell()
    deliver()
    assert receiver.received == []

    enable_endpoint(endpoint)
    deliver()

    assert len(receiver.received) == 1


def test_message_is_delivered_once_per_endpoint() -> None:
    endpoint = make_endpoint()
    (message_id,) = tell()

    with pytest.raises(IntegrityError, match="endpoint_id"), transaction.atomic():
        Delivery.objects.create(message_id=message_id, endpoint=endpoint)


def test_late_finisher_changes_nothing(receiver: Receiver) -> None:
    make_endpoint(receiver.url)
    tell()
    limits: Any = {"limit": 10, "cap": 10, "busy": {}}
    (late,) = queue.claim(**limits, lease=timedelta(seconds=-1))
    (quick,) = queue.claim(**limits, lease=timedelta(seconds=60))
    assert (late.taken_over, quick.taken_over, quick.number) == (False, True, 2)

    queue.finish([result(late, "failed")])

    assert one()[0].status == Delivery.Status.PENDING
    assert Attempt.objects.count() == 1  # it did happen, so it is in the log
    queue.finish([result(quick, "delivered")])
    assert one()[0].status == Delivery.Status.DELIVERED


def test_writing_the_same_results_twice_changes_nothing(receiver: Receiver) -> None:
    make_endpoint(receiver.url)
    tell()
    (claimed,) = queue.claim(limit=10, cap=10, busy={}, lease=timedelta(seconds=60))
    results = [result(claimed, "delivered")]

    queue.finish(results)
    queue.finish(results)

    assert Attempt.objects.count() == 1


def test_what_is_leased_is_nobody_elses(receiver: Receiver) -> None:
    make_endpoint(receiver.url)
    tell(5)
    limits: Any = {"cap": 10, "busy": {}, "lease": timedelta(seconds=60)}

    first = queue.claim(limit=3, **limits)
    second = queue.claim(limit=10, **limits)

    assert [len(first), len(second)] == [3, 2]
    queue.release(second)
    assert len(queue.claim(limit=10, **limits)) == 2


def test_no_endpoint_gets_more_than_its_share() -> None:
    busy, idle = make_endpoint(), make_endpoint()
    tell(10)

    claimed = queue.claim(
        limit=100, cap=4, busy={busy.pk: 3}, lease=timedelta(seconds=60)
    )

    by_endpoint = [each.endpoint_id for each in claimed]
    assert by_endpoint.count(busy.pk) == 1
    assert by_endpoint.count(idle.pk) == 4


def result(claimed: queue.Claimed, outcome: str) -> queue.Result:
    return queue.Result(
        claimed=claimed,
        status=outcome,
        delay=None,
        status_code=200,
        error="",
        latency_ms=1,
        response_body="",
        at=timezone.now(),
    )
