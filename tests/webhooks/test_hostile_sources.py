"""Whatever is sent to a source: taken or refused, logged, and never a fault."""

import json
from typing import Any

import pytest
from django.test import Client

from referrals.models import Event
from tests.api.callers import caller
from tests.factories import make_campaign, make_key
from tests.hostile.values import STRANGE, UNREADABLE
from tests.webhooks.test_sources import MAPPING, PLAIN, make_source
from webhooks.models import Source

EVERYTHING = {
    **{name: f"body.{name}" for name in ("event_id", "name", "reverses", "amount")},
    **{name: f"body.{name}" for name in ("currency", "occurred_at")},
    "participant": {name: f"body.{name}" for name in ("id", "email", "code")},
    "properties": "body.properties",
}
FINE: dict[str, Any] = {
    **dict.fromkeys(("id", "code", "reverses", "amount", "currency"), ""),
    **dict.fromkeys(("occurred_at", "properties"), None),
    **{"event_id": "order-1", "name": "purchase", "email": "ann@shop.example"},
}
HEADERS = {
    "content-type": [
        "",
        "/",
        "a" * 5000,
        "text/html; charset=nope",
        "multipart/form-data",
    ],
    "content-length": ["-1", "x", "99999999999999999999"],
    "transfer-encoding": ["chunked"],
    "authorization": ["Bearer", "Bearer \xff", "Basic " + "x" * 9000],
    "x-request-id": ["\xff", "a\tb"],
    "x-forwarded-for": ["x", "::1, 1.2.3.4"],
    "accept": ["nonsense", "application/xml"],
    "expect": ["100-continue"],
}


@pytest.fixture
def source() -> Source:
    return make_source(make_campaign(), mapping=EVERYTHING)


def send(source: Source, body: bytes, query: str = "", **more: Any) -> Any:
    path = f"/in/{source.public_id}{query}"
    answer = Client(raise_request_exception=False).generic(
        "POST", path, body, **{"content_type": "application/json", **more}
    )
    assert answer.status_code < 500, answer.content
    assert answer.status_code == 200 or answer.json()["code"]
    return answer


def test_no_value_in_any_field_is_a_fault(source: Source) -> None:
    for field in FINE:
        for value in STRANGE:
            text = json.dumps({**FINE, field: value}, default=str)
            send(source, text.encode("utf-8", "surrogatepass"))

    log = caller(make_key()).get(f"/api/v1/sources/{source.public_id}/arrivals")
    assert log.status_code == 200
    assert source.arrivals.count() == len(FINE) * len(STRANGE)


def test_no_body_is_a_fault(source: Source) -> None:
    for body in UNREADABLE.values():
        send(source, body)
        send(source, body, content_type="application/x-www-form-urlencoded")
        send(source, body, content_type="multipart/form-data; boundary=x")
    for arrival in source.arrivals.all():
        path = f"/api/v1/arrivals/{arrival.public_id}"
        assert caller(make_key()).get(path).status_code == 200


@pytest.mark.parametrize("name", HEADERS)
def test_no_header_is_a_fault(source: Source, name: str) -> None:
    for text in HEADERS[name]:
        send(source, json.dumps(PLAIN).encode(), headers={name: text})


@pytest.mark.parametrize(
    "query", ["?a=%ff", "?a=%00", "?" + "a=1&" * 2000, "?" + "a" * 5000, "?%", "?&&&"]
)
def test_no_query_is_a_fault(query: str) -> None:
    rules = {**MAPPING, "name": "query.name"}
    source = make_source(make_campaign(), mapping=rules)

    send(source, b'{"type": "x"}', query)

    assert not Event.objects.exists()


# What expressions can give, and JSON cannot hold or the calendar has no room for.
GIVEN = [
    "1.0 / 0.0",
    "1e300",
    "-0.0",
    '{1: 2, true: [duration("1h")]}',
    '{"at": timestamp("0001-01-01T00:00:00+10:00")}',
    'timestamp("0001-01-01T00:00:00+10:00")',
    'timestamp("9999-12-31T23:59:59-10:00")',
    '"a\\x00b"',
]


@pytest.mark.parametrize("text", GIVEN)
def test_nothing_that_an_expression_gives_is_a_fault(text: str) -> None:
    person = {"email": '"ann@shop.example"'}
    rules = {"name": '"purchase"', "participant": person}
    for more in ({"properties": {"x": text}}, {"properties": text}):
        send(make_source(make_campaign(), mapping={**rules, **more}), b"{}")
    for field in ("event_id", "occurred_at", "amount", "reverses"):
        send(make_source(make_campaign(), mapping={**rules, field: text}), b"{}")

    log = caller(make_key()).get("/api/v1/events")
    assert log.status_code == 200, log.content


def test_spans_and_moments_among_properties_are_kept_as_json_has_them() -> None:
    given = '{1: duration("90s"), "at": timestamp("2026-01-31T12:00:00Z")}'
    rules = {
        "name": '"purchase"',
        "participant": {"email": '"ann@shop.example"'},
        "properties": given,
    }

    send(make_source(make_campaign(), mapping=rules), b"{}")

    kept = Event.objects.get().properties
    assert kept == {"1": 90.0, "at": "2026-01-31T12:00:00+00:00"}
