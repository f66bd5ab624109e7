"""The bad input that is promised to be refused, and what each refusal must name."""

from typing import Any

import pytest

from referral_factory.ids import to_public
from tests.factories import NOBODY
from tests.hostile.answers import contents, send
from tests.hostile.worlds import World, make_world

EVENTS = "/api/v1/events"


@pytest.fixture
def world() -> World:
    return make_world()


def event(world: World, **fields: Any) -> dict[str, Any]:
    defaults = {
        "campaign": world.ids["cmp"],
        "event_id": "order-1",
        "name": "purchase",
        "participant": {"id": world.ids["ptc"]},
    }
    return {**defaults, **fields}


def refusal(world: World, answer: Any) -> tuple[int, str, list[tuple[str, str]]]:
    assert answer["Content-Type"] == "application/problem+json"
    document = answer.json()
    errors = [(error["pointer"], error["code"]) for error in document["errors"]]
    return answer.status_code, document["code"], errors


@pytest.mark.parametrize(
    ("body", "code", "errors"),
    [
        (b'{"event_id": ', "malformed_json", []),
        (b'{"event_id": "\\u0000"}', "bad_text", [("/event_id", "bad_text")]),
        (
            b'{"participant": {"email": "\\ud800"}}',
            "bad_text",
            [("/participant/email", "bad_text")],
        ),
        (b'{"properties": ' + b"[" * 5000 + b"]" * 5000 + b"}", "too_deep", []),
        (b'{"event_id": "a", "event_id": "b"}', "duplicate_key", []),
        (b'{"amount": NaN}', "malformed_json", []),
        (b'{"amount": 1' + b"0" * 400 + b"}", "number_out_of_range", []),
        (b'{"amount": 1e99999}', "number_out_of_range", []),
        (b"[]", "wrong_body", []),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_what_cannot_be_read_is_malformed(
    world: World, body: bytes, code: str, errors: Any
) -> None:
    before = contents()

    answer = send(world.client, "post", EVENTS, body)

    assert refusal(world, answer) == (400, code, errors)
    assert contents() == before


@pytest.mark.parametrize(
    ("wrong", "pointer", "code"),
    [
        ({"event_id": 7.5}, "/event_id", "invalid"),
        ({"event_id": None}, "/event_id", "null"),
        ({"name": ["x"]}, "/name", "invalid"),
        ({"participant": "ann"}, "/participant", "invalid"),
        ({"participant": {}}, "/participant", "exactly_one"),
        (
            {"participant": {"email": "a@x.co", "code": "A"}},
            "/participant",
            "exactly_one",
        ),
        ({"participant": {"mail": "a@x.co"}}, "/participant/mail", "unknown_field"),
        ({"amount": "-1", "currency": "USD"}, "/amount", "invalid_amount"),
        ({"amount": -1, "currency": "USD"}, "/amount", "invalid_amount"),
        ({"amount": "1" * 15, "currency": "USD"}, "/amount", "invalid_amount"),
        ({"amount": "1e5", "currency": "USD"}, "/amount", "invalid_amount"),
        ({"amount": "\u0663", "currency": "USD"}, "/amount", "invalid_amount"),
        ({"amount": True, "currency": "USD"}, "/amount", "invalid_amount"),
        ({"amount": "1.001", "currency": "USD"}, "/amount", "too_many_places"),
        ({"amount": "1"}, "/currency", "required"),
        ({"currency": "usd"}, "/currency", "invalid_currency"),
        ({"occurred_at": "2026-01-31T12:00:00"}, "/occurred_at", "invalid_moment"),
        ({"occurred_at": "2026-01-31"}, "/occurred_at", "invalid_moment"),
        ({"occurred_at": "2026-02-30T12:00:00Z"}, "/occurred_at", "invalid_moment"),
        ({"occurred_at": "2999-01-01T00:00:00Z"}, "/occurred_at", "in_the_future"),
        (
            {"occurred_at": "0001-01-01T00:00:00+14:00"},
            "/occurred_at",
            "out_of_range",
        ),
        ({"amuont": "1"}, "/amuont", "unknown_field"),
        ({"properties": {"a/b": "\x01"}}, "/properties/a~1b", "control_character"),
        ({"campaign": to_public("cmp", NOBODY)}, "/campaign", "unknown"),
        ({"campaign": to_public("ptc", NOBODY)}, "/campaign", "invalid_id"),
        (
            {"participant": {"id": to_public("ptc", NOBODY)}},
            "/participant/id",
            "unknown",
        ),
        ({"participant": {"code": "NOBODY"}}, "/participant/code", "unknown"),
        ({"participant": {"email": "nobody"}}, "/participant/email", "invalid"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_value_that_is_wrong_is_pointed_at(
    world: World, wrong: dict[str, Any], pointer: str, code: str
) -> None:
    before = contents()

    answer = world.client.post(EVENTS, event(world, **wrong))

    status, _, errors = refusal(world, answer)
    assert (status, errors) == (422, [(pointer, code)])
    assert contents() == before


@pytest.mark.parametrize("path", ["events/evt", "participants/ptc", "rewards/rwd"])
def test_an_unknown_id_in_a_path_is_not_found(world: World, path: str) -> None:
    answer = world.client.get(f"/api/v1/{path}_01h455vb4pex5vsknk084sn02q")

    assert refusal(world, answer) == (404, "not_found", [])


def test_a_repeated_event_changes_nothing(world: World) -> None:
    world.client.post(EVENTS, event(world))
    before = contents()

    answer = world.client.post(EVENTS, event(world, amount="99", currency="USD"))

    assert answer.status_code == 200
    assert answer.json()["outcome"] == "duplicate"
    assert contents() == before


def test_an_event_of_somebody_unknown_is_kept(world: World) -> None:
    someone = {"participant": {"external_id": "not-yet"}}

    answer = world.client.post(EVENTS, event(world, **someone))

    assert answer.status_code == 201
    assert answer.json()["outcome"] == "unmatched"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("campaigns/{cmp}/launch", {}),
        ("campaigns/{cmp}/resume", {}),
        ("participants/{ptc}/unblock", {}),
        ("referrals/{ref}/qualify", {"reason": "again"}),
        ("referrals/{ref}/reopen", {"reason": "why not"}),
        ("rewards/{rwd}/issue", {"reference": "x"}),
        ("rewards/{rwd}/reopen", {"note": "x"}),
        ("rewards/{rwd}/claw-back", {"note": "x"}),
        ("endpoints/{whe}/enable", {}),
    ],
)
def test_an_illegal_change_of_state_is_refused_by_its_rule(
    world: World, path: str, body: dict[str, str]
) -> None:
    before = contents()

    answer = world.client.post(f"/api/v1/{path.format(**world.ids)}", body)

    status, code, errors = refusal(world, answer)
    assert (status, code, errors) == (409, "illegal_transition", [])
    assert contents() == before
