import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import RequestFactory
from pytest_django import Settings
from rest_framework.test import APIClient

from referral_factory.access.limits import Standing, count_call, count_visit
from tests.api.callers import caller, make_key

pytestmark = pytest.mark.urls("tests.api.urls")

OPEN = "/api/v1/things/open"
THREADS = 8


def stay_within_a_minute() -> None:
    """Windows end with the minute: wait for the next one if this is nearly over."""
    left = 60 - time.time() % 60
    if left < 5:
        time.sleep(left + 0.1)


def test_calls_beyond_the_limit_are_refused(settings: Settings) -> None:
    stay_within_a_minute()
    settings.RATE_LIMIT_PER_MINUTE = 2
    client = caller(make_key()[1])

    answers = [client.post(OPEN, {}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [a["RateLimit-Remaining"] for a in answers] == ["1", "0", "0"]
    refused = answers[-1]
    assert refused["Content-Type"] == "application/problem+json"
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert refused["RateLimit-Limit"] == "2"
    assert refused["RateLimit-Reset"] == refused["Retry-After"]


def test_every_answer_to_a_key_shows_the_limit(api: APIClient) -> None:
    no_scope = caller(make_key(scopes=[])[1])
    answers = [
        api.get("/api/v1/keys"),
        api.get("/api/v1/things/unknown"),
        api.post("/api/v1/things", {}),
        api.post("/api/v1/things/crash"),
        api.delete("/api/v1/things"),
        no_scope.get("/api/v1/keys"),
    ]

    assert [answer.status_code for answer in answers] == [200, 404, 422, 500, 405, 403]
    for answer in answers:
        assert answer["RateLimit-Limit"] == "6000"


def test_keys_are_counted_apart(settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 1

    for _ in range(3):
        assert caller(make_key()[1]).post(OPEN, {}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_call_that_was_rolled_back_counts(settings: Settings) -> None:
    stay_within_a_minute()
    settings.RATE_LIMIT_PER_MINUTE = 1
    client = caller(make_key()[1])
    headers = {"Idempotency-Key": "k1"}  # which opens a transaction

    answer = client.post("/api/v1/things/crash", headers=headers)

    assert answer.status_code == 500
    assert client.post(OPEN, {}).status_code == 429


@pytest.mark.django_db(transaction=True)
def test_parallel_calls_are_counted_exactly(settings: Settings) -> None:
    stay_within_a_minute()
    settings.RATE_LIMIT_PER_MINUTE = 25
    text = make_key()[1]

    def call(_: int) -> int:
        try:
            return caller(text).post(OPEN, {}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        statuses = list(pool.map(call, range(100)))

    assert (statuses.count(200), statuses.count(429)) == (25, 75)


def visit(address: str, forwarded: str = "") -> Standing:
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    request.META["HTTP_X_FORWARDED_FOR"] = forwarded
    return count_visit(request, "join", limit=2)


def test_visits_are_counted_by_address() -> None:
    stay_within_a_minute()

    first = [visit("192.0.2.1").allowed for _ in range(3)]

    assert first == [True, True, False]
    assert visit("192.0.2.2").allowed


def test_a_header_of_the_callers_does_not_make_another_address() -> None:
    stay_within_a_minute()

    visits = [visit("192.0.2.1", f"198.51.100.{n}").allowed for n in range(3)]

    assert visits == [True, True, False]


def test_one_ipv6_network_is_one_caller() -> None:
    stay_within_a_minute()

    visits = [visit(f"2001:db8::{n}").allowed for n in range(1, 4)]

    assert visits == [True, True, False]
    assert visit("2001:db8:0:1::1").allowed


def test_counting_needs_no_address() -> None:
    assert visit("").allowed
    assert count_call("x", limit=0).headers["RateLimit-Remaining"] == "0"
