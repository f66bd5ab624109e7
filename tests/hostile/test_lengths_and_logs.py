"""What a body says of its length is judged before it is read; faults are logged."""

import logging

import pytest
from django.conf import settings

from tests.hostile.routes import writes
from tests.hostile.worlds import make_world


def test_a_length_beyond_the_limit_is_refused_before_the_body_comes() -> None:
    world = make_world()
    for route in writes():
        answer = world.client.generic(
            route.method.upper(),
            route.url(world.id_of(route.id_prefix or "")),
            "{}",
            content_type="application/json",
            CONTENT_LENGTH="99999999999",
        )
        assert answer.status_code == 413, str(route)


def test_faults_are_logged_and_refusals_are_not() -> None:
    assert "root" in settings.LOGGING
    assert logging.getLogger("django.request").getEffectiveLevel() == logging.ERROR


def test_no_key_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    world = make_world()
    with caplog.at_level(logging.DEBUG):
        world.client.get("/api/v1/events")
        world.client.get("/api/v1/events/nothing")
        made = world.client.post("/api/v1/keys", {"name": "x", "scopes": ["keys:read"]})

    assert made.status_code == 201
    for secret in (world.key_text, made.json()["secret"]):
        assert secret not in caplog.text
