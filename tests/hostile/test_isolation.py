"""A key sees nothing of the other mode, nor of campaigns outside its list.

Which routes there are comes from the API's own document: a new one joins by itself.
"""

import json
from typing import Any

import pytest
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from referral_factory.access.models import ApiKey
from referral_factory.access.services import ALL_SCOPES
from referral_factory.ids import new_id, to_public
from tests.api.callers import caller, make_key
from tests.hostile.answers import contents, send, undone_if_taken
from tests.hostile.routes import (
    Route,
    fields,
    lists,
    prefix_of,
    resolved,
    routes,
    with_an_id,
    with_value,
    writes,
)
from tests.hostile.values import valid_body
from tests.hostile.worlds import World, make_world

UNKNOWN = "rf_test_00000000" + "0" * 32


@pytest.fixture(autouse=True)
def _loopback(settings: Settings) -> None:
    settings.WEBHOOKS_ALLOW_LOOPBACK = True


@pytest.fixture
def ours() -> World:
    return make_world("test", "ours")


@pytest.fixture(params=["test", "live"])
def theirs(request: pytest.FixtureRequest) -> World:
    """Another campaign of our mode, and one of the other."""
    return make_world(request.param, "theirs")


def call(client: APIClient, route: Route, world: World, public_id: str) -> Any:
    body = valid_body(route, world) if route.body else {}
    return send(client, route.method, route.url(public_id), json.dumps(body).encode())


def leaks(answer: Any, theirs: World, *, told: str = "") -> list[str]:
    """What of theirs stands in an answer, but for what the caller said himself."""
    text = answer.content.decode() + str(answer.headers)
    return [each for each in theirs.secrets if each not in told and each in text]


def test_what_is_theirs_does_not_exist(ours: World, theirs: World) -> None:
    before, wrong = contents(), []
    for route in with_an_id():
        prefix = route.id_prefix or ""
        hidden = call(ours.client, route, ours, theirs.ids[prefix])
        unknown = call(ours.client, route, ours, to_public(prefix, new_id()))
        alike = _same(hidden) == _same(unknown)
        if hidden.status_code != 404 or not alike or leaks(hidden, theirs):
            wrong.append(f"{route}: {hidden.status_code}, alike: {alike}")

    assert not wrong
    assert contents() == before


def test_what_is_ours_does(ours: World) -> None:
    """Otherwise the test above would prove nothing."""
    hidden = []
    for route in with_an_id():
        answer = undone(ours, route)
        if answer.status_code == 404:
            hidden.append(str(route))

    assert not hidden


def undone(ours: World, route: Route) -> Any:
    """The answer about our own; other routes find the world as it was."""
    public_id = ours.ids[route.id_prefix or ""]
    return undone_if_taken(lambda: call(ours.client, route, ours, public_id))


def test_lists_show_nothing_of_theirs(ours: World, theirs: World) -> None:
    for route in lists():
        answer = ours.client.get(route.url())

        assert answer.status_code == 200, str(route)
        assert not leaks(answer, theirs), str(route)


def test_filters_find_nothing_of_theirs(ours: World, theirs: World) -> None:
    asked = [theirs.mark, theirs.advocate_code, f"{theirs.mark}-advocate@example.com"]
    for route in lists():
        for name, schema in route.query.items():
            own = {
                "campaign": "cmp",
                "referral": "ref",
                "rule": "rul",
                "message": "msg",
            }
            kind = own.get(name, "ptc")
            for value in [theirs.ids[kind], *asked] if "enum" not in schema else []:
                answer = ours.client.get(route.url(), {name: value})
                assert not leaks(answer, theirs, told=value), f"{route} {name}={value}"
                if answer.status_code == 200:
                    assert not answer.json().get("results"), f"{route} {name}={value}"


def _id_fields() -> list[tuple[Route, Any]]:
    """Every field of a body that names something by its id.

    A click comes out of a browser, and one of nobody is no mistake: see below.
    """
    found = []
    for route in writes():
        for steps in fields(route.body) if route.body else ():
            if _kind(route.body, steps) and steps[-1] != "click":
                found.append((route, steps))
    return found


def _kind(schema: Any, steps: Any) -> str | None:
    part = resolved(schema["properties"][steps[0]])
    if len(steps) > 1:
        return _kind(part, steps[1:])
    own = {"id": "ptc", "participant": "ptc", "click": "clk"}
    item = resolved(part.get("items", part))
    return prefix_of(item) or ("properties" not in item and own.get(steps[0])) or None


@pytest.mark.parametrize(("route", "steps"), _id_fields(), ids=str)
def test_naming_theirs_in_a_body_is_like_naming_nobody(
    route: Route, steps: Any, ours: World, theirs: World
) -> None:
    kind = _kind(route.body, steps) or ""
    before = contents()
    answers = []
    for public_id in (theirs.ids[kind], to_public(kind, new_id())):
        assert route.body is not None
        is_list = "items" in resolved(_part(route.body, steps))
        value = [public_id] if is_list else public_id
        body = with_value(valid_body(route, ours), steps, value, route.body)
        url = route.url(ours.ids.get(route.id_prefix or "", ""))
        answer = send(ours.client, route.method, url, json.dumps(body).encode())
        assert not leaks(answer, theirs, told=public_id)
        answers.append(answer)

    assert [answer.status_code for answer in answers] in ([422, 422], [409, 409])
    assert _same(answers[0], theirs.ids[kind]) == _same(answers[1], public_id)
    assert contents() == before


def test_click_of_theirs_is_like_one_of_nobody(ours: World, theirs: World) -> None:
    answers: list[tuple[Any, Any]] = []
    for public_id in (theirs.ids["clk"], to_public("clk", new_id())):
        body = {
            "campaign": ours.ids["cmp"],
            "external_id": f"new-{len(answers)}",
            "referred_by": {"click": public_id},
        }
        answer = ours.client.post("/api/v1/participants", body)
        assert answer.status_code == 201
        assert not leaks(answer, theirs, told=public_id)
        (refused,) = answer.json()["refused_claims"]
        assert refused.pop("value") == public_id
        answers.append((answer.json()["referred_by"], refused))

    assert answers[0] == answers[1]


def _part(schema: Any, steps: Any) -> Any:
    part = resolved(schema["properties"][steps[0]])
    return _part(part, steps[1:]) if len(steps) > 1 else part


def _same(answer: Any, told: str = "\0") -> Any:
    """A problem without what differs each time."""
    document = json.loads(answer.content.decode().replace(told, "<id>"))
    del document["request_id"]
    return document


def test_what_reverses_an_event_cannot_reach_theirs(ours: World, theirs: World) -> None:
    body = {
        "campaign": ours.ids["cmp"],
        "event_id": "refund-1",
        "name": "refund",
        "participant": {"id": ours.ids["ptc"]},
        "reverses": f"{theirs.mark}-order",
    }

    answer = ours.client.post("/api/v1/events", body)

    assert answer.json()["outcome"] == "unmatched"
    assert not leaks(answer, theirs, told=theirs.mark)


@pytest.mark.parametrize("named", ["id", "code", "email", "external_id"])
def test_an_event_without_a_campaign_finds_nobody_of_theirs(
    ours: World, theirs: World, named: str
) -> None:
    name = f"{theirs.mark}-advocate"
    values = {
        "id": theirs.ids["ptc"],
        "code": theirs.advocate_code,
        "email": f"{name}@example.com",
        "external_id": name,
    }
    body = {"event_id": "1", "name": "x", "participant": {named: values[named]}}

    answer = ours.client.post("/api/v1/events", body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/campaign"


# Imports are of people or of events: a key with one of the scopes handles its kind.
OR = {"participants:read": "events:read", "participants:write": "events:write"}


def test_without_its_scope_a_route_is_refused_and_says_which(ours: World) -> None:
    wrong = []
    for scope in {route.scope for route in routes() if route.scope}:
        others = [each for each in ALL_SCOPES if each not in {scope, OR.get(scope)}]
        client = caller(make_key(mode="test", scopes=others)[1])
        for route in (route for route in routes() if route.scope == scope):
            answer = call(client, route, ours, ours.id_of(route.id_prefix or ""))
            document = answer.json()
            named = document["code"] == "missing_scope" and scope in document["detail"]
            if answer.status_code != 403 or not named:
                wrong.append(f"{route}: {answer.status_code} {document}")

    assert not wrong


# Headers reach us in Latin-1; what does not fit is dropped by the server.
NO_KEYS = ["cut", "longer", UNKNOWN, "", "\xe9", "a b"]


@pytest.mark.parametrize("text", NO_KEYS)
def test_without_a_working_key_no_route_says_anything(ours: World, text: str) -> None:
    text = {"cut": ours.key_text[:-1], "longer": ours.key_text + "x"}.get(text, text)
    for route in routes():
        answer = call(caller(text), route, ours, ours.id_of(route.id_prefix or ""))

        assert answer.status_code == 401, str(route)
        assert answer["Content-Type"] == "application/problem+json"
        assert "Bearer" in answer["WWW-Authenticate"]
        assert not leaks(answer, ours)


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
def test_a_key_that_has_ended_opens_nothing(ours: World, ended: str) -> None:
    ApiKey.objects.filter(pk=ours.key.pk).update(**{ended: ours.key.created_at})
    for route in routes():
        answer = call(ours.client, route, ours, ours.id_of(route.id_prefix or ""))

        assert answer.status_code == 401, str(route)
        assert not leaks(answer, ours)
