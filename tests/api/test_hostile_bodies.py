"""Bodies that programs read differently, or that break them. None is a 500."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from referrals.models import Campaign

pytestmark = pytest.mark.urls("tests.api.urls")

THINGS = "/api/v1/things"

MALFORMED: dict[str, Any] = {
    "empty": b" ",
    "cut off": b'{"name": "x"',
    "two values": b'{"name": "x"} {}',
    "trailing comma": b'{"name": "x",}',
    "single quotes": b"{'name': 'x'}",
    "comment": b'{"name": "x"} // hello',
    "not UTF-8": b'{"name": "\xff"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"name": "x"}',
    "raw control character": b'{"name": "a\x01"}',
    "NaN": b'{"name": "x", "amount": NaN}',
    "Infinity": b'{"name": "x", "amount": -Infinity}',
    "duplicate key": b'{"name": "x", "name": "y"}',
    "duplicate key inside": b'{"name": "x", "inner": {"remark": "a", "remark": "b"}}',
    "duplicate key by escape": b'{"name": "x", "n\\u0061me": "y"}',
    "array": b'[{"name": "x"}]',
    "string": b'"name"',
    "number": b"1",
    "null": b"null",
    "deep array": b'{"name": ' + b"[" * 30 + b"]" * 30 + b"}",
    "very deep array": b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "very deep object": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    "deep in an unknown field": b'{"name": "x", "z": '
    + b"[" * 1000
    + b"]" * 1000
    + b"}",
    "never closed": b"[" * 200_000,
    "too many keys": b"{" + b",".join(b'"k%d": 1' % n for n in range(1001)) + b"}",
    "integer beyond 2^53": b'{"name": "x", "amount": 9007199254740993}',
    "negative beyond 2^53": b'{"name": "x", "amount": -9007199254740993}',
    "thousands of digits": b'{"name": "x", "amount": ' + b"9" * 100_000 + b"}",
    "many decimals": b'{"name": "x", "amount": 0.' + b"1" * 1000 + b"}",
    "huge exponent": b'{"name": "x", "amount": 1e99999999999999999999}',
    "tiny exponent": b'{"name": "x", "amount": 1e-99999}',
    "NUL": b'{"name": "a\\u0000b"}',
    "NUL in a key": b'{"name": "x", "a\\u0000": 1}',
    "NUL inside": b'{"name": "x", "properties": {"a": ["b", {"c": "\\u0000"}]}}',
    "NUL in a key inside": b'{"name": "x", "properties": {"a\\u0000": 1}}',
    "lone surrogate": b'{"name": "\\ud800"}',
    "reversed surrogates": b'{"name": "\\udc00\\ud800"}',
    "lone surrogate in a key": b'{"name": "x", "\\udfff": 1}',
    "lone surrogate in a list": b'{"name": "x", "items": [{"remark": "\\ud800"}]}',
}


def send(api: APIClient, body: Any, content_type: str = "application/json") -> Any:
    return api.generic("POST", THINGS, body, content_type=content_type)


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_body_is_a_400(api: APIClient, name: str) -> None:
    answer = send(api, MALFORMED[name])

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] != "error"
    assert not Campaign.objects.exists()


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_body_is_a_400_with_an_idempotency_key_too(
    api: APIClient, name: str
) -> None:
    answer = api.generic(
        "POST",
        f"{THINGS}/open",
        MALFORMED[name],
        content_type="application/json",
        headers={"Idempotency-Key": "k1"},
    )

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("name", "pointer"),
    [
        ("NUL", "/name"),
        ("NUL in a key", "/a\\x00"),
        ("NUL inside", "/properties/a/1/c"),
        ("NUL in a key inside", "/properties/a\\x00"),
        ("lone surrogate", "/name"),
        ("lone surrogate in a key", "/\\udfff"),
        ("lone surrogate in a list", "/items/0/remark"),
    ],
)
def test_text_that_is_none_is_pointed_at(
    api: APIClient, name: str, pointer: str
) -> None:
    (error,) = send(api, MALFORMED[name]).json()["errors"]

    assert error["pointer"] == pointer


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "\\ud83d\\ude00"}',  # a pair of surrogates is a character
        '{"name": "😀"}'.encode(),
        b'{"name": "\\\\u0000"}',  # a backslash, and the letters u0000
        b' \n{"name": "x"}\r\n',
    ],
)
def test_unusual_bodies_that_are_fine_are_taken(api: APIClient, body: bytes) -> None:
    assert send(api, body).status_code == 201


def test_twenty_levels_are_taken_and_one_more_is_not(api: APIClient) -> None:
    def nested(levels: int) -> bytes:
        inside = levels - 2  # the body and `properties` are levels, too
        return b'{"name": "x", "properties": {"a": %b1%b}}' % (
            b"[" * inside,
            b"]" * inside,
        )

    assert send(api, nested(20)).status_code == 201
    assert send(api, nested(21)).status_code == 400


def test_256_kilobytes_are_taken_and_one_byte_more_is_not(api: APIClient) -> None:
    body = b'{"name": "x"}'
    padding = b" " * (256 * 1024 - len(body))

    assert send(api, body + padding).status_code == 201
    answer = send(api, body + padding + b" ")
    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/json; charset=bogus",
        "nonsense",
        "",
    ],
)
def test_anything_but_json_in_utf_8_is_a_415(api: APIClient, content_type: str) -> None:
    answer = send(api, b'{"name": "x"}', content_type)

    assert answer.status_code == 415
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"'])
def test_utf_8_may_be_said(api: APIClient, charset: str) -> None:
    answer = send(api, b'{"name": "x"}', f"application/json; charset={charset}")

    assert answer.status_code == 201


def test_a_body_without_a_length_is_refused(api: APIClient) -> None:
    answer = api.post(
        THINGS,
        {"name": "x"},
        headers={"Transfer-Encoding": "chunked"},
        CONTENT_LENGTH="",
    )

    assert answer.status_code == 411
    assert answer["Content-Type"] == "application/problem+json"


def test_a_route_without_fields_refuses_a_malformed_body(api: APIClient) -> None:
    answer = api.generic(
        "POST", f"{THINGS}/crash", "{", content_type="application/json"
    )

    assert answer.status_code == 400


FIELDS = [
    "name",
    "notes",
    "amount",
    "currency",
    "at",
    "campaign",
    "properties",
    "inner",
]
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**53,
    1.5,
    "",
    " ",
    "x" * 100_000,
    "\x01",
    "\x7f",
    "\u202e",
    "4111 1111 1111 1111",
    "=1+1",
    "<script>",
    "' OR 1=1 --",
    "2026-01-31",
    "٣",
    "1e5",
    "NaN",
    [],
    [[]],
    {},
    {"": {"": ""}},
    {"remark": {}},
    {"a/b": {"c~d": "\x02"}},
]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[:20])
def test_no_value_of_any_field_is_a_500(api: APIClient, field: str, value: Any) -> None:
    answer = api.post(THINGS, {"name": "x", field: value})

    assert answer.status_code in {201, 422}
    if answer.status_code == 422:
        error = answer.json()["errors"][0]
        assert error["pointer"].startswith(f"/{field}")
        assert error["code"]
