from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Sum
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from referral_factory.access import limits
from referral_factory.access.limits import (
    count_address,
    count_call,
    count_visit,
    forget_callers,
)
from referral_factory.access.models import CallCount
from tests.api.callers import caller, make_key

pytestmark = pytest.mark.urls("tests.api.urls")

OPEN = "/api/v1/things/open"
THREADS = 8
CALLS = 100


def client_that_called(times: int) -> APIClient:
    """In this minute, and in the next one, should the test run into it."""
    key, text = make_key()
    minute = timezone.now().replace(second=0, microsecond=0)
    for window in (minute, minute + timedelta(minutes=1)):
        CallCount.objects.create(caller=f"key:{key.pk}", window=window, count=times)
    return caller(text)


def counted() -> dict[str, int]:
    """Calls of each caller, over all windows."""
    rows = CallCount.objects.values_list("caller").annotate(Sum("count"))
    return {str(who): int(calls) for who, calls in rows}


def test_the_last_call_within_the_limit_is_answered(settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 3

    answer = client_that_called(2).post(OPEN, {})

    assert answer.status_code == 200
    assert answer["RateLimit-Limit"] == "3"
    assert answer["RateLimit-Remaining"] == "0"
    assert 1 <= int(answer["RateLimit-Reset"]) <= 60


def test_the_next_one_is_refused(settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 3

    answer = client_that_called(3).post(OPEN, {})

    assert answer.status_code == 429
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["RateLimit-Remaining"] == "0"
    assert answer["Retry-After"] == answer["RateLimit-Reset"]


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
def test_a_call_that_was_rolled_back_counts() -> None:
    key, text = make_key()
    headers = {"Idempotency-Key": "k1"}  # which opens a transaction

    answer = caller(text).post("/api/v1/things/crash", headers=headers)

    assert answer.status_code == 500
    assert counted() == {f"key:{key.pk}": 1}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limit", [25, 90])
def test_parallel_calls_never_pass_the_limit(settings: Settings, limit: int) -> None:
    settings.RATE_LIMIT_PER_MINUTE = limit
    text = make_key()[1]

    def call(_: int) -> int:
        try:
            return caller(text).post(OPEN, {}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        statuses = list(pool.map(call, range(CALLS)))

    # One window, or two if a minute ended meanwhile.
    windows = CallCount.objects.values_list("count", flat=True)
    allowed = sum(min(count, limit) for count in windows)
    assert statuses.count(200) == min(allowed, CALLS)
    assert statuses.count(429) == CALLS - statuses.count(200)


def another_process(times: int, *, limit: int) -> int:
    """How many of its calls were let through: it knows only what is in the database."""
    mine = dict(limits._windows)
    forget_callers()
    allowed = sum(count_call("x", limit=limit).allowed for _ in range(times))
    forget_callers()
    limits._windows.update(mine)
    return allowed


def test_processes_share_a_limit_and_never_pass_it() -> None:
    first = sum(count_call("x", limit=100).allowed for _ in range(50))
    second = another_process(100, limit=100)
    rest = sum(count_call("x", limit=100).allowed for _ in range(100))

    assert first == 50
    assert 90 <= first + second + rest <= 100


def test_a_busy_caller_is_counted_in_lots() -> None:
    standings = [count_call("x", limit=6000) for _ in range(300)]

    assert [standing.count for standing in standings] == list(range(1, 301))
    # Once for the first, once for a twentieth of the other 5,999.
    assert CallCount.objects.get().count == 300


def test_who_was_refused_is_refused_until_the_minute_is_over() -> None:
    for _ in range(3):
        count_call("x", limit=2)
    CallCount.objects.all().delete()

    assert not count_call("x", limit=2).allowed


def test_visits_of_links_are_not_counted_before_they_are_many() -> None:
    standings = [
        count_address("192.0.2.1", "link", limit=40, exact=False) for _ in range(50)
    ]

    assert [standing.allowed for standing in standings].count(True) == 42
    assert [standing.allowed for standing in standings[:42]] == [True] * 42


def visit(address: str, forwarded: str = "") -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    request.META["HTTP_X_FORWARDED_FOR"] = forwarded
    count_visit(request, "join", limit=10)


def test_visits_are_counted_by_address() -> None:
    visit("192.0.2.1")
    visit("192.0.2.1")
    visit("192.0.2.2")

    assert counted() == {"join:192.0.2.1": 2, "join:192.0.2.2": 1}


def test_a_header_of_the_callers_does_not_make_another_address() -> None:
    for n in range(3):
        visit("192.0.2.1", f"198.51.100.{n}")

    assert counted() == {"join:192.0.2.1": 3}


def test_one_ipv6_network_is_one_caller() -> None:
    for n in range(1, 4):
        visit(f"2001:db8::{n}")
    visit("2001:db8:0:1::1")

    assert counted() == {"join:2001:db8::/64": 3, "join:2001:db8:0:1::/64": 1}


def test_counting_needs_no_address() -> None:
    visit("")

    assert counted() == {"join:unknown": 1}


def test_a_standing_says_when_it_is_over() -> None:
    assert count_call("x", limit=1).allowed
    assert not count_call("y", limit=0).allowed
