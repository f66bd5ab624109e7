"""Every id in a path, every query parameter and header, times hostile text."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from referral_factory.access.services import ALL_SCOPES
from tests.api.callers import caller, make_key
from tests.hostile.answers import complaint, contents, send
from tests.hostile.routes import Route, alone, fields, lists, with_an_id, writes
from tests.hostile.values import one_value_in_these
from tests.hostile.worlds import World, make_world

TEXTS = [
    "",
    "' OR 1=1 --",
    "\u202e",
    "-1",
    "1" * 400,
    "x" * 3000,
    "a@..com",
    f"a@{'x' * 64}.com",
    "a@\u05d01.com",
    "2026-01-31T12:00:00",
    "0001-01-01T00:00:00+14:00",
    "Europe/../etc",
    "ptc_00000000000000000000000000",
    "cD0=",  # cursors: an empty position, an offset beyond all, a NUL, nonsense
    "bz05OTk5OTk5OTk5OTk5OTk5OTk5OQ==",
    "cD0lMDA=",
]
# Text that is stored as it is, and that a page might stumble over.
KEPT = [
    "\u202egnp.exe",
    "\u200b",
    "e\u0301",
    "\ufffe",
    "\U0001f469\u200d\U0001f680",
    "<script>alert(1)</script>",
    "=HYPERLINK(1)",
    "' OR 1=1 --",
    "{{ 7*7 }}%s{0}",
    "../../etc/passwd",
    '"<img/src=x>"@x.com',
    "\u2028",
]
RAW = ["%00", "%ed%a0%80", "%0d%0a", "%zz", "..%2f..%2fadmin"]
HEADERS: list[dict[str, str]] = [
    {"Idempotency-Key": "x" * 256},
    {"Idempotency-Key": ""},
    {"Idempotency-Key": "a\x00b"},
    {"Idempotency-Key": "\xe9"},
    {"Idempotency-Key": "a\r\nb"},
    {"Accept": "nonsense"},
    {"Accept": "application/json; version=9, */*;q=x"},
    {"Accept": "text/html"},
    {"Content-Type": "multipart/form-data"},
    {"Content-Type": "application/json; charset=bogus"},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Encoding": "gzip"},
    {"X-HTTP-Method-Override": "DELETE"},
    {"X-Forwarded-For": "\xff, ::::"},
    {"X-Request-Id": "a\r\nSet-Cookie: b=c"},
    {"Range": "bytes=0-1"},
    {"If-Match": "*"},
]


@pytest.fixture(autouse=True)
def _loopback(settings: Settings) -> None:
    settings.WEBHOOKS_ALLOW_LOOPBACK = True
    settings.RATE_LIMIT_PER_MINUTE = 10**6


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.mark.parametrize("route", with_an_id(), ids=str)
def test_what_is_no_id_is_not_found(route: Route, world: World) -> None:
    before, wrong = contents(), []
    for text in [*(quote(text, safe="") for text in TEXTS if text), *RAW]:
        answer = send(world.client, route.method, route.url(text), b"{}")
        if complaint(answer) or answer.status_code not in {400, 404, 405}:
            wrong.append(f"{text}: {answer.status_code} {complaint(answer)}")

    assert not wrong
    assert contents() == before


@pytest.mark.parametrize("route", lists(), ids=str)
def test_no_query_parameter_breaks_a_list(route: Route, world: World) -> None:
    client, wrong = world.client, []
    texts = [*(quote(text, safe="") for text in TEXTS), *RAW]
    for query in _queries(route, texts):
        answer = client.get(f"{route.url()}?{query}")
        if complaint(answer) or answer.status_code not in {200, 400}:
            wrong.append(f"{query[:80]}: {answer.status_code} {complaint(answer)}")

    assert not wrong


def _queries(route: Route, texts: list[str]) -> Iterator[str]:
    for name in [*route.query, "unknown"]:
        yield from (f"{name}={text}" for text in texts)
        yield f"{name}=1&{name}=2"
        yield f"{name}"
        yield f"{name}[]=1"
        yield f"{name}__in=1"


@pytest.mark.parametrize("route", lists(), ids=str)
def test_an_unknown_query_parameter_is_refused(route: Route, world: World) -> None:
    answer = world.client.get(f"{route.url()}?colour=red")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/colour"


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: ascii(headers)[:50])
def test_no_header_breaks_a_write(world: World, headers: dict[str, str]) -> None:
    for route in writes():
        url = route.url(world.id_of(route.id_prefix or ""))
        content_type = headers.get("Content-Type", "application/json")
        kept = {k: v for k, v in headers.items() if k != "Content-Type"}
        answer = send(
            world.client,
            route.method,
            url,
            b'{"unknown": 1}',
            content_type=content_type,
            headers=kept,
        )
        assert complaint(answer) is None, str(route)
        assert answer.status_code >= 400, str(route)
        assert "Set-Cookie" not in answer


def test_afterwards_everything_still_answers(
    world: World, admin_user: User, admin_client: Client
) -> None:
    """What was taken of all the strange values is shown everywhere."""
    _fill(world)
    everything = caller(make_key(mode="test", scopes=ALL_SCOPES)[1])

    assert not [f"{u}: {s}" for u, s in _read(everything) if s != 200]
    assert not [f"{u}: {s}" for u, s in _open(admin_client) if s not in {200, 302}]


def _fill(world: World) -> None:
    for route in writes():
        if not route.body or route.row or route.path.endswith("/clock"):
            continue
        url = route.url(world.id_of(route.id_prefix or ""))
        free = [steps for steps in fields(route.body) if not alone(route.body, steps)]
        for number, value in enumerate(KEPT):
            steps = free[number % len(free)]
            body = one_value_in_these(route, world, value, [steps])
            for name in (b"order-1", b"new-1", b"a-new-slug"):
                body = body.replace(name, name + b"-%d" % number)
            send(world.client, route.method, url, body)


def _read(client: Any) -> Iterator[tuple[str, int]]:
    for route in lists():
        answer = client.get(route.url())
        yield route.url(), answer.status_code
        rows = answer.json().get("results", [])
        for row in rows[:5]:
            detail = f"{route.url()}/{row.get('id')}"
            if any(r.path == f"{route.path}/{{public_id}}" for r in with_an_id()):
                yield detail, client.get(detail).status_code
    csv = client.get("/api/v1/reports/summary", headers={"Accept": "text/csv"})
    yield "summary as CSV", csv.status_code


def _open(client: Client) -> Iterator[tuple[str, int]]:
    yield "/dashboard/", client.get("/dashboard/").status_code
    for model, pages in admin.site._registry.items():
        place = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        if not pages.has_view_permission(_superuser_request(client)):
            continue
        yield place, client.get(place).status_code
        for row in model._default_manager.all()[:3]:
            page = f"{place}{quote(str(row.pk))}/change/"
            yield page, client.get(page).status_code


def _superuser_request(client: Client) -> Any:
    return client.get("/admin/").wsgi_request
