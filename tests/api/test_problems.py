from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.api.callers import caller, make_key

pytestmark = pytest.mark.urls("tests.api.urls")

THINGS = "/api/v1/things"
MEMBERS = ["type", "title", "status", "detail", "code", "errors", "request_id"]


def test_a_refusal_by_a_rule_is_a_409_with_its_code_and_facts(api: APIClient) -> None:
    answer = api.post(f"{THINGS}/close")

    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,  # not the fact of that name
        "detail": "It is closed.",
        "code": "closed",
        "errors": [],
        "request_id": answer["X-Request-Id"],
        "since": "yesterday",
    }


def test_input_that_a_rule_refuses_is_a_422_with_its_pointer(api: APIClient) -> None:
    answer = api.post(f"{THINGS}/judge")

    assert answer.status_code == 422
    assert answer.json()["code"] == "unknown_campaign"
    assert answer.json()["errors"] == [
        {
            "pointer": "/campaign",
            "detail": "No such campaign.",
            "code": "unknown_campaign",
        }
    ]


def test_every_bad_field_is_pointed_at(api: APIClient) -> None:
    body = {
        "amount": "-1",
        "at": "2026-01-31T12:00:00",
        "nmae": "x",
        "inner": {"remark": "a" * 21, "other": 1},
        "items": [{}, {"remark": []}],
        "properties": {"a/b": ["4111111111111111"]},
    }

    answer = api.post(THINGS, body)

    assert answer.status_code == 422
    errors = {error["pointer"]: error["code"] for error in answer.json()["errors"]}
    assert errors == {
        "/name": "required",
        "/amount": "invalid_amount",
        "/at": "invalid_moment",
        "/nmae": "unknown_field",
        "/inner/remark": "max_length",
        "/inner/other": "unknown_field",
        "/items/1/remark": "invalid",
        "/properties/a~1b/0": "card_number",
    }


def test_an_unknown_field_gets_a_hint(api: APIClient) -> None:
    (error,) = api.post(THINGS, {"name": "x", "curency": "USD"}).json()["errors"]

    assert error["detail"] == "There is no such field. Did you mean 'currency'?"


def test_an_unknown_field_like_no_other_is_told_which_there_are(api: APIClient) -> None:
    (error,) = api.post(THINGS, {"name": "x", "zzz": 1}).json()["errors"]

    assert error["detail"].startswith("There is no such field; there are name, ")


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELECT 1 / 0", 400, "invalid_value"),
        ("SELECT 'x'::integer", 400, "invalid_value"),
        ("SELECT 10 ^ 10000", 400, "invalid_value"),
        ("SELECT pg_sleep(5)", 503, "unavailable"),
        ("SELECT nonsense", 500, "server_error"),
    ],
)
def test_what_the_database_says_is_translated(
    api: APIClient, sql: str, status: int, code: str
) -> None:
    answer = api.post(f"{THINGS}/query", {"sql": sql})

    assert answer.status_code == status
    assert answer.json()["code"] == code
    assert sql not in answer.content.decode()
    assert ("Retry-After" in answer) == (status == 503)


@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_is_a_503_and_the_next_call_works(api: APIClient) -> None:
    kill = {"sql": "SELECT pg_terminate_backend(pg_backend_pid())"}

    answer = api.post(f"{THINGS}/query", kill)

    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert api.get(THINGS).status_code == 200


def problems(api: APIClient) -> dict[int, Any]:
    no_scope = caller(make_key(scopes=[])[1])
    return {
        400: api.get(f"{THINGS}?limit=x"),
        401: APIClient().get(THINGS),
        403: no_scope.get(THINGS),
        404: api.get(f"{THINGS}/cmp_x"),
        405: api.delete(THINGS),
        406: api.get(THINGS, headers={"Accept": "text/html"}),
        409: api.post(f"{THINGS}/close"),
        413: api.post(THINGS, {"name": "x" * 300_000}),
        415: api.post(THINGS, "x", content_type="text/plain"),
        422: api.post(THINGS, {}),
        500: api.post(f"{THINGS}/crash"),
        503: api.post(f"{THINGS}/query", {"sql": "SELECT pg_sleep(5)"}),
    }


def test_every_error_is_a_problem_document(api: APIClient) -> None:
    for status, answer in problems(api).items():
        assert answer.status_code == status
        assert answer["Content-Type"] == "application/problem+json"
        document = answer.json()
        assert list(document)[:7] == MEMBERS
        assert document["status"] == status
        assert document["request_id"] == answer["X-Request-Id"]


def test_a_fault_says_nothing_of_its_cause(api: APIClient) -> None:
    assert b"a bug" not in api.post(f"{THINGS}/crash").content
