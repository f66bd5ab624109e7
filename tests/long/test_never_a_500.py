"""Every write route times every hostile value: never a 500, and nothing half written.

What to try comes from the API's own document, so a new route joins by itself.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from tests.hostile.answers import complaint, contents, send, undone_if_taken
from tests.hostile.routes import (
    Route,
    Steps,
    alone,
    example,
    fields,
    with_value,
    writes,
)
from tests.hostile.values import (
    STRANGE,
    one_value_in_all_fields,
    one_value_in_one_field,
    one_value_in_these,
    pointer,
    unreadable_bodies,
    whole_bodies,
)
from tests.hostile.worlds import World, make_world

# Routes whose body is one object, or none; and those whose body is rows of them, which
# are answered one by one.
OF_ONE = [route for route in writes() if not route.row]
OF_ROWS = [route for route in writes() if route.row]


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
        self.route, self.world = route, world
        self.client = world.client
        self.url = route.url(world.id_of(route.id_prefix or ""))
        self.failures: list[str] = []

    def send(
        self, name: str, body: bytes, *, refused: bool = False, **kwargs: Any
    ) -> Any:
        """What a body is answered; a failure when it must be refused and is not."""
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


@pytest.mark.parametrize("route", [r for r in OF_ONE if r.body], ids=str)
def test_no_value_of_any_field_breaks_it(
    route: Route, world: World, attack: Attack
) -> None:
    """All fields at once first; what some do not refuse by themselves, they get again
    with everything else valid, so that it reaches whatever comes after."""
    assert route.body is not None
    for value, body in one_value_in_all_fields(route, world):
        name = ascii(value)[:60]
        refused = pointers(attack.send(f"{name} everywhere", body, refused=True))
        taken = {
            steps: body
            for steps, body in one_value_in_one_field(route, world, value)
            if not named(steps, refused)
        }
        together = [steps for steps in taken if not alone(route.body, steps)]
        for steps in [*taken.keys() - together, *in_company(attack, value, together)]:
            attack.send(f"{pointer(steps)} {name}", taken[steps])


def in_company(attack: Attack, value: Any, together: list[Steps]) -> list[Steps]:
    """Send a value in these fields together, without those that are refused later.

    Returns the fields that it must still be tried in one by one.
    """
    while together:
        body = one_value_in_these(attack.route, attack.world, value, together)
        answer = attack.send(f"{ascii(value)[:60]} in {together}", body)
        if answer.status_code < 400:
            return []
        refused = pointers(answer)
        left = [steps for steps in together if not named(steps, refused)]
        if left == together:
            return together  # a rule refused it: some of them hide behind it
        together = left
    return []


def pointers(answer: Any) -> set[str]:
    return {error["pointer"] for error in answer.json().get("errors", [])}


def named(steps: Steps, refused: set[str]) -> bool:
    """Whether a field, or something in it, is among what was refused."""
    return any(each.startswith(pointer(steps)) for each in refused)


@pytest.mark.parametrize("route", OF_ROWS, ids=str)
def test_no_value_of_any_row_breaks_the_others(route: Route, world: World) -> None:
    """Every strange value in every field, a row each, in one call."""
    assert route.row is not None
    valid = {**example(route.row, "", world.id_of), "campaign": world.id_of("cmp")}
    rows = [
        with_value(valid, steps, value, route.row)
        for value in STRANGE
        for steps in fields(route.row)
    ]
    body = json.dumps([*rows, valid]).encode()

    answer = undone_if_taken(
        lambda: send(world.client, route.method, route.url(), body)
    )

    assert complaint(answer) is None, answer.content[:300]
    results = answer.json()["results"]
    assert [each["row"] for each in results] == [*range(1, len(rows) + 2)]
    assert {each["status"] for each in results} <= {200, 201, 409, 422}
    assert results[-1]["status"] < 300


@pytest.mark.parametrize("route", OF_ONE, ids=str)
def test_what_no_reader_may_take_is_refused(
    route: Route, world: World, attack: Attack
) -> None:
    for name, body in unreadable_bodies(route, world):
        attack.send(name, body, refused=True)
    for name, body in whole_bodies(route, world):
        if body or needs_fields(route):
            attack.send(name, body, refused=True)


def needs_fields(route: Route) -> bool:
    """Whether a body without any field, or no body at all, is refused."""
    return bool(route.body and route.method != "patch" and route.body.get("required"))
