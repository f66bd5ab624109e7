"""Every write route times every hostile value: never a 500, and nothing half written.

What to try comes from the API's own document, so a new route joins by itself.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from tests.hostile.answers import complaint, contents, send, undone_if_taken
from tests.hostile.routes import Route, alone, writes
from tests.hostile.values import (
    one_value_in_all_fields,
    one_value_in_one_field,
    one_value_in_these,
    pointer,
    unreadable_bodies,
    whole_bodies,
)
from tests.hostile.worlds import World, make_world


@pytest.fixture(autouse=True)
def _loopback(settings: Settings) -> None:
    """No name is looked up: the one URL that is valid here is an address."""
    settings.WEBHOOKS_ALLOW_LOOPBACK = True
    settings.RATE_LIMIT_PER_MINUTE = 10**6


@pytest.fixture
def world() -> World:
    return make_world()


class Attack:
    """One route, called again and again in a world that stays as it was."""

    def __init__(self, route: Route, world: World) -> None:
        self.route = route
        self.client = world.client
        self.url = route.url(world.id_of(route.id_prefix or ""))
        self.failures: list[str] = []
        self.count = 0

    def send(
        self, name: str, body: bytes, *, refused: bool = False, **kwargs: Any
    ) -> Any:
        """What a body is answered; a failure when it must be refused and is not."""
        self.count += 1
        answer = undone_if_taken(
            lambda: send(self.client, self.route.method, self.url, body)
        )
        wrong = complaint(answer)
        if not wrong and refused and answer.status_code < 400:
            wrong = f"taken: {answer.status_code}"
        if wrong:
            self.failures.append(f"{self.route} {name}: {wrong}")
        return answer


@pytest.fixture
def attack(request: pytest.FixtureRequest, world: World) -> Iterator[Attack]:
    """An attack on the route of this test. At the end, nothing must be half written."""
    attack = Attack(request.getfixturevalue("route"), world)
    before = contents()
    yield attack
    assert not attack.failures
    assert contents() == before


@pytest.mark.parametrize("route", [r for r in writes() if r.body], ids=str)
def test_no_value_of_any_field_breaks_it(
    route: Route, world: World, attack: Attack
) -> None:
    """All fields at once first; what some do not refuse by themselves, they get again
    with everything else valid, so that it reaches whatever comes after."""
    assert route.body is not None
    for value, body in one_value_in_all_fields(route, world):
        name = ascii(value)[:60]
        answer = attack.send(f"{name} everywhere", body, refused=True)
        refused = {error["pointer"] for error in answer.json().get("errors", [])}
        taken = {
            steps: alone_in_body
            for steps, alone_in_body in one_value_in_one_field(route, world, value)
            if not any(each.startswith(pointer(steps)) for each in refused)
        }
        together = [steps for steps in taken if not alone(route.body, steps)]
        if together:
            body = one_value_in_these(route, world, value, together)
            answer = attack.send(f"{name} in {together}", body)
        for steps, body in taken.items():
            if steps not in together or answer.status_code >= 400:
                attack.send(f"{pointer(steps)} {name}", body)


@pytest.mark.parametrize("route", writes(), ids=str)
def test_what_no_reader_may_take_is_refused(
    route: Route, world: World, attack: Attack
) -> None:
    for name, body in unreadable_bodies(route, world):
        attack.send(name, body, refused=True)
    for name, body in whole_bodies(route, world):
        if body or route.body:
            attack.send(name, body, refused=True)
