"""Busy writes before Django: the same answers, or the call handed on as it came."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory, override_settings
from rest_framework.test import APIClient

from referral_factory.access.limits import COUNTED, forget_callers
from referral_factory.access.models import ApiKey, CallCount
from referral_factory.access.services import revoke_key
from referral_factory.api.quick import Environ, before_django
from referral_factory.bodies import MAX_BYTES
from referrals.models import Event, Participant
from tests.api.callers import caller, make_key
from tests.factories import (
    make_campaign,
    make_participant,
    make_referral,
    make_rule,
)

# As on a web server: a request begins with no transaction under way.
pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE, EVENTS = "/api/v1/participants", "/api/v1/events"
BROWSERS = {  # what is said to browsers alone
    "allow",
    "content-security-policy",
    "cross-origin-opener-policy",
    "referrer-policy",
    "x-frame-options",
}


class Server:
    """Calls our application as a web server does, and keeps what Django was asked."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.handed_on: list[tuple[Environ, bytes]] = []
        self.application = before_django(self.django)

    def django(self, environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        self.handed_on.append((environ, environ["wsgi.input"].read()))
        start("418 I'm a Teapot", [])
        return [b"{}"]

    def post(
        self,
        path: str,
        body: Any,
        method: str = "POST",
        content_type: str = "application/json",
        **environ: Any,
    ) -> tuple[int, dict[str, str], Any]:
        asked = RequestFactory().generic(
            method,
            path,
            body if isinstance(body, bytes) else json.dumps(body).encode(),
            content_type=content_type,
            **{
                "HTTP_AUTHORIZATION": f"Bearer {self.text}",
                "HTTP_HOST": "localhost:8000",
                **environ,
            },
        )
        started: list[tuple[str, list[tuple[str, str]]]] = []
        found = self.application(asked.environ, lambda *given: started.append(given))
        status, headers = started[0]
        said = {name.lower(): value for name, value in headers}
        return int(status[:3]), said, json.loads(b"".join(found))


@pytest.fixture
def text() -> str:
    return make_key(mode="test")[1]


@pytest.fixture
def server(text: str) -> Server:
    return Server(text)


@pytest.fixture
def django(text: str) -> APIClient:
    return caller(text)


def ann() -> dict[str, Any]:
    return {
        "campaign": make_campaign().public_id,
        "external_id": "c-1",
        "email": "Ann@example.com",
        "attributes": {"plan": "pro"},
    }


def order() -> dict[str, Any]:
    referral = make_referral()
    make_rule(campaign=referral.campaign)
    return {
        "event_id": "order-1",
        "name": "purchase",
        "amount": "25.00",
        "currency": "USD",
        "participant": {"id": referral.friend.public_id},
    }


@pytest.mark.parametrize(("path", "make"), [(PEOPLE, ann), (EVENTS, order)])
def test_plain_call_is_answered_and_its_repeat_by_django_is_the_same(
    server: Server, django: APIClient, path: str, make: Callable[[], Any]
) -> None:
    body = json.dumps(make())

    status, _, said = server.post(path, body.encode(), HTTP_IDEMPOTENCY_KEY="k-1")
    again = django.post(
        path,
        body,
        content_type="application/json",
        headers={"Idempotency-Key": "k-1"},
    )

    assert server.handed_on == []
    assert (status, again.status_code) == (201, 201)
    assert again["Idempotent-Replayed"] == "true"
    assert again.json() == said


def test_repeat_of_what_django_answered_is_the_same(
    server: Server, django: APIClient
) -> None:
    body = json.dumps(ann())
    first = django.post(
        PEOPLE,
        body,
        content_type="application/json",
        headers={"Idempotency-Key": "k-1"},
    )

    status, headers, said = server.post(
        PEOPLE, body.encode(), HTTP_IDEMPOTENCY_KEY="k-1"
    )

    assert server.handed_on == []
    assert (status, said) == (201, first.json())
    assert headers["idempotent-replayed"] == "true"


def test_answer_is_what_get_says(server: Server, django: APIClient) -> None:
    _, _, said = server.post(PEOPLE, ann())

    shown = django.get(f"{PEOPLE}/{said['id']}").json()
    assert said == {**shown, "refused_claims": []}


def test_who_is_known_is_updated(server: Server) -> None:
    body = ann()
    server.post(PEOPLE, body)

    status, _, said = server.post(PEOPLE, {**body, "name": "Ann"})

    assert (status, said["name"]) == (200, "Ann")
    assert Participant.objects.count() == 1


def test_event_that_is_repeated_is_a_duplicate(server: Server) -> None:
    body = order()
    server.post(EVENTS, body)

    status, _, said = server.post(EVENTS, body)

    assert (status, said["outcome"]) == (200, "duplicate")
    assert len(said["rewards"]) == 1
    assert Event.objects.count() == 1


def test_headers_are_those_of_django_but_for_browsers(
    server: Server, django: APIClient
) -> None:
    body = ann()
    theirs = django.post(PEOPLE, body, headers={"X-Request-Id": "r-1"})

    _, ours, _ = server.post(PEOPLE, body, HTTP_X_REQUEST_ID="r-1")

    names = {name.lower() for name in theirs.headers} - BROWSERS
    assert ours.keys() == names
    assert ours["x-request-id"] == "r-1"
    assert ours["content-type"] == theirs["Content-Type"]
    before, after = (
        int(said["ratelimit-remaining"])
        for said in ({k.lower(): v for k, v in theirs.headers.items()}, ours)
    )
    assert after == before - 1


UNUSUAL: list[dict[str, Any]] = [
    {"method": "GET"},
    {"method": "PUT"},
    {"content_type": "application/json; charset=utf-8"},
    {"content_type": "text/plain"},
    {"HTTP_ACCEPT": "application/json; indent=4"},
    {"HTTP_ACCEPT": "text/html"},
    {"HTTP_TRANSFER_ENCODING": "chunked"},
    {"HTTP_HOST": "elsewhere.example.com"},
    {"HTTP_HOST": ""},
    {"HTTP_HOST": "localhost:8000:1"},
    {"QUERY_STRING": "dry_run=true"},
    {"HTTP_AUTHORIZATION": ""},
    {"HTTP_AUTHORIZATION": "Basic YTpi"},
    {"HTTP_AUTHORIZATION": "Bearer rf_live_nobody"},
    {"HTTP_AUTHORIZATION": "Bearer \xe9"},
    {"HTTP_IDEMPOTENCY_KEY": "\xe9"},
    {"HTTP_IDEMPOTENCY_KEY": ""},
    {"SCRIPT_NAME": "/below"},
    {"CONTENT_LENGTH": "many"},
    {"CONTENT_LENGTH": "²"},
    {"CONTENT_LENGTH": ""},
]


@pytest.mark.parametrize("unusual", UNUSUAL, ids=str)
def test_unusual_call_is_handed_on(server: Server, unusual: dict[str, Any]) -> None:
    status, _, _ = server.post(PEOPLE, ann(), **unusual)

    assert status == 418
    assert not Participant.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b"\xff",
        b'{"campaign": 3}',
        b'{"a": 1, "a": 2}',
        b'{"email": "\\u0000"}',
        b'{"participant": {}}',
        b"[" * 500,
    ],
)
def test_body_that_is_refused_is_handed_on_whole(server: Server, body: bytes) -> None:
    server.post(EVENTS, body)

    ((environ, given),) = server.handed_on
    assert given == body
    # Counted once by whoever can tell that it is one call, of whichever door.
    assert CallCount.objects.exists() is (COUNTED in environ)


def test_answer_that_is_stored_is_found_when_the_body_is_refused_by_now(
    server: Server, django: APIClient
) -> None:
    body = order()
    _, _, first = server.post(EVENTS, body, HTTP_IDEMPOTENCY_KEY="k-1")
    person = Participant.objects.get(events__event_id="order-1")
    body_of_both = {"participant": {"external_id": person.external_id}}
    again = json.dumps({**body, **body_of_both, "event_id": "o-2"}).encode()
    _, _, second = server.post(EVENTS, again, HTTP_IDEMPOTENCY_KEY="k-2")
    make_participant(external_id=person.external_id)  # in another campaign

    status, headers, said = server.post(EVENTS, again, HTTP_IDEMPOTENCY_KEY="k-2")

    assert first["id"] != second["id"]
    assert (status, said) == (201, second)
    assert headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("key", ["k-1", "k-2"])
def test_key_of_another_body_is_a_mismatch_also_where_that_is_refused(
    server: Server, django: APIClient, key: str
) -> None:
    server.post(PEOPLE, ann(), HTTP_IDEMPOTENCY_KEY="k-1")

    answer = django.post(PEOPLE, {"email": 3}, headers={"Idempotency-Key": key})

    codes = {"k-1": "idempotency_mismatch", "k-2": "invalid"}
    assert (answer.status_code, answer.json()["code"]) == (422, codes[key])


def test_path_below_is_none_of_ours(server: Server) -> None:
    assert server.post(f"{PEOPLE}/bulk", [])[0] == 418


@pytest.mark.parametrize("path", [PEOPLE, EVENTS])
def test_key_without_the_scope_is_handed_on(path: str) -> None:
    server = Server(make_key(mode="test", scopes=["referrals:read"])[1])

    assert server.post(path, {PEOPLE: ann, EVENTS: order}[path]())[0] == 418
    assert not Event.objects.exists()


def test_key_that_was_revoked_is_handed_on() -> None:
    key, text = make_key(mode="test")
    revoke_key(key)

    assert Server(text).post(PEOPLE, ann())[0] == 418


def test_key_of_another_mode_is_handed_on() -> None:
    assert Server(make_key()[1]).post(PEOPLE, ann())[0] == 418


def test_refusal_is_handed_on_and_counted_once(server: Server) -> None:
    body = ann()
    server.post(PEOPLE, body)
    server.post(PEOPLE, {**body, "external_id": "c-2", "email": "ben@example.com"})

    status, _, _ = server.post(PEOPLE, {**body, "email": "ben@example.com"})

    ((environ, _),) = server.handed_on
    assert status == 418
    assert environ[COUNTED].count == 3


def test_call_that_both_doors_see_is_counted_once(text: str) -> None:
    server = Server(text)
    server.application = before_django(WSGIHandler())
    body = ann()
    others = {**body, "external_id": "c-2", "email": "ben@example.com"}
    for known in (body, others):
        server.post(PEOPLE, known)

    status, headers, said = server.post(PEOPLE, {**body, "email": "ben@example.com"})

    limit, left = (int(headers[f"ratelimit-{name}"]) for name in ("limit", "remaining"))
    assert (status, said["code"]) == (409, "identity_conflict")
    assert left == limit - 3


@override_settings(RATE_LIMIT_PER_MINUTE=1)
def test_limit_that_is_reached_is_handed_on_and_not_counted_again(
    server: Server, django: APIClient
) -> None:
    forget_callers()
    body = ann()
    server.post(PEOPLE, body)

    status, _, _ = server.post(PEOPLE, {**body, "name": "Ann"})

    ((environ, _),) = server.handed_on
    answer = django.post(PEOPLE, body, **{COUNTED: environ[COUNTED]})
    assert (status, answer.status_code) == (418, 429)
    assert Participant.objects.get().name == ""


def test_fault_of_ours_is_handed_on_and_kept_for_us(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("referral_factory.api.quick.as_json", lambda _: 1 / 0)

    assert server.post(PEOPLE, ann())[0] == 418
    assert "ZeroDivisionError" in caplog.text


def test_refusal_is_no_fault_of_ours(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.post(PEOPLE, {"email": "nobody"})

    assert caplog.text == ""


def test_body_larger_than_any_is_handed_on(server: Server) -> None:
    body = json.dumps(ann()).encode() + b" " * MAX_BYTES

    assert server.post(PEOPLE, body)[0] == 418
    assert not Participant.objects.exists()


def test_key_says_when_it_was_used_last(server: Server) -> None:
    server.post(PEOPLE, ann())

    assert ApiKey.objects.get().last_used_at is not None
