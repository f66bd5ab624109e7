"""The API's own document is valid, complete and true."""

import json
from typing import Any

import pytest
from drf_spectacular.validation import validate_schema
from rest_framework.test import APIClient

from tests.hostile.routes import (
    Route,
    document,
    fields,
    resolved,
    routes,
    with_value,
    writes,
)
from tests.hostile.values import valid_body
from tests.hostile.worlds import make_world

# What is done by being called; a body with any field is refused.
WITHOUT_FIELDS = {
    "backtests/{public_id}/cancel",
    "launch",
    "pause",
    "portal-link",
    "resume",
    "end",
    "block",
    "unblock",
    "enable",
    "disable",
    "test",
    "retry",
    "revoke",
    "run",
    "imports/{public_id}/cancel",
    "endpoints/{public_id}/rotate-secret",
    "replay",
}


def test_it_is_valid_openapi() -> None:
    validate_schema(  # type: ignore[no-untyped-call]
        json.loads(json.dumps(document()))
    )


@pytest.mark.parametrize("route", writes(), ids=str)
def test_every_write_describes_its_body(route: Route) -> None:
    takes_none = any(route.path.endswith(f"/{verb}") for verb in WITHOUT_FIELDS)

    assert (route.body is None and not route.takes_a_file) == takes_none


@pytest.mark.parametrize("route", routes(), ids=str)
def test_every_route_says_what_it_answers(route: Route) -> None:
    good = [code for code in route.operation["responses"] if code.startswith("2")]

    assert good
    assert good == ["204"] or all(
        "schema" in content
        for code in good
        for content in route.operation["responses"][code]["content"].values()
    )


@pytest.mark.parametrize("route", [r for r in writes() if r.body], ids=str)
def test_every_field_that_is_described_is_known(route: Route, settings: Any) -> None:
    settings.WEBHOOKS_ALLOW_LOOPBACK = True
    world = make_world()
    assert route.body is not None
    is_list = route.body.get("type") == "array"
    schema = resolved(route.body["items"]) if is_list else route.body
    body: Any = valid_body(route, world)
    body = body[0] if is_list else body
    for steps in fields(schema):
        body = with_value(body, steps, [{}], schema)

    url = route.url(world.id_of(route.id_prefix or ""))
    send = getattr(world.client, route.method)
    answer = send(url, [body] if is_list else body).json()
    errors = (answer["results"][0] if is_list else answer)["errors"]

    assert errors
    assert "unknown_field" not in {error["code"] for error in errors}


@pytest.mark.parametrize(
    "route",
    [r for r in writes() if not r.body and not r.takes_a_file],
    ids=str,
)
def test_a_field_where_none_is_taken_is_refused(route: Route) -> None:
    world = make_world()

    answer = world.client.post(
        route.url(world.id_of(route.id_prefix or "")), {"by": "me"}
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/by"


@pytest.mark.parametrize("text", ["yes", "1", "True", "cmp_x"])
def test_a_filter_that_makes_no_sense_is_refused(text: str) -> None:
    client: APIClient = make_world().client

    answer = client.get("/api/v1/rewards", {"disputed": text})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/disputed"
