"""What nobody should send, as it stands in a body: JSON, or what pretends to be it."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tests.hostile.routes import (
    Route,
    Schema,
    Steps,
    example,
    fields,
    resolved,
    with_value,
)
from tests.hostile.worlds import World

KINDS = ("cmp", "ptc", "clk", "rwd")  # whose ids are put where others belong
PLACE = '"@@here@@"'

# Not JSON, or not one value: refused wherever it stands.
UNREADABLE: dict[str, bytes] = {
    "NaN": b"NaN",
    "Infinity": b"-Infinity",
    "thousands of digits": b"1" + b"0" * 400,
    "float beyond all": b"1e400000",
    "integer beyond 2^53": b"9007199254740993",
    "NUL": rb'"a\u0000b"',
    "NUL in a key": rb'{"a\u0000": 1}',
    "raw control character": b'"a\x01b"',
    "lone surrogate": rb'"\ud800"',
    "lone surrogate inside": rb'{"a": ["\udfff\ud800"]}',
    "raw lone surrogate": b'"\xed\xa0\x80"',
    "not UTF-8": b'"\xff"',
    "deep list": b"[" * 5000 + b"]" * 5000,
    "deep object": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "a little too deep": b"[" * 22 + b"]" * 22,
    "duplicate keys": b'{"a": 1, "a": 2}',
    "nothing": b"",
    "300 kB": b'"' + b"x" * 300_000 + b'"',
}

# JSON, and wrong or strange.
STRANGE: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "\x01",
    "\x7f",
    "\r\nX-Injected: 1",
    "\u202egnp.exe",
    "e\u0301",
    "\ufffe",
    "\U0001f469\u200d\U0001f680",
    "<script>alert(1)</script>",
    "=HYPERLINK(1)",
    "' OR 1=1 --",
    "{{ 7*7 }}%s{0}",
    "../../etc/passwd",
    "x" * 10_000,
    [],
    [[]],
    ["a"] * 300,
    {},
    {"": {"": ""}},
    {"__proto__": {}, "$ref": "#"},
    {"a/b": {"c~d": "\x02"}},
    # amounts
    "-1",
    "1e5",
    "0.00001",
    "99999999999999.9999",
    "999999999999999",
    "\u0663",
    "NaN",
    # times
    "2026-01-31",
    "2026-01-31T12:00:00",
    "2026-02-30T12:00:00Z",
    "2026-01-31T12:00:00+99:99",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2999-12-31T23:59:59Z",
    # ids
    "cmp_zzzzzzzzzzzzzzzzzzzzzzzzzz",
    "ptc_00000000000000000000000000",
    "xyz_01h455vb4pex5vsknk084sn02q",
    "018f3f3a-0000-7000-8000-000000000000",
    # addresses
    "=1+1@x.com",
    '"<img/src=x>"@x.com',
    "a@\uff47mail.com",
    "a@\u05d01.com",
    f"a@{'x' * 64}.com",
    "a@..com",
    "fe80::1%eth0",
    "::ffff:127.0.0.1",
    "1.2.3.4/8",
    # URLs
    "javascript:alert(1)",
    "http://[::1",
    "http://user:pass@127.0.0.1:99999/",
    "https://shop.example\\@evil.example/",
    # and what no system should keep
    "4111 1111 1111 1111",
]


def valid_body(route: Route, world: World) -> dict[str, Any]:
    assert route.body is not None
    body: dict[str, Any] = example(route.body, "", world.id_of)
    return body


def unreadable_bodies(route: Route, world: World) -> Iterator[tuple[str, bytes]]:
    """Every field, and every value that no reader may take, at least once each.

    Not each in each: the body is refused before anybody looks at its fields.
    """
    frames, tokens = list(_frames(route, world)), list(UNREADABLE.items())
    for n in range(max(len(frames), len(tokens)) if frames else 0):
        (steps, frame), (name, token) = frames[n % len(frames)], tokens[n % len(tokens)]
        yield f"{pointer(steps)} {name}", _filled(frame, token)


def one_value_in_all_fields(route: Route, world: World) -> Iterator[tuple[Any, bytes]]:
    """Each strange value in every field at once: all are judged in one call."""
    if route.body is None:
        return
    for value in [*STRANGE, *(world.ids[kind] for kind in KINDS)]:
        body = _everywhere(route.body, value)
        yield value, json.dumps({**body, "unknown_field": value}).encode()


def one_value_in_one_field(
    route: Route, world: World, value: Any
) -> Iterator[tuple[Steps, bytes]]:
    """A strange value in each field in turn; all others are valid."""
    for steps, frame in _frames(route, world):
        yield steps, _filled(frame, json.dumps(value).encode())


def one_value_in_these(
    route: Route, world: World, value: Any, these: Iterable[Steps]
) -> bytes:
    """A strange value in these fields, together; all others are valid."""
    assert route.body is not None
    body = valid_body(route, world)
    for steps in these:
        body = with_value(body, steps, value, route.body)
    return json.dumps(body).encode()


def _everywhere(schema: Schema, value: Any) -> dict[str, Any]:
    """The value in every field; in those of an object instead of in its place."""
    inner = {name: resolved(part) for name, part in schema["properties"].items()}
    return {
        name: _everywhere(part, value) if "properties" in part else value
        for name, part in inner.items()
    }


def _filled(frame: bytes, token: bytes) -> bytes:
    return frame.replace(PLACE.encode(), token)


def whole_bodies(route: Route, world: World) -> Iterator[tuple[str, bytes]]:
    """Bodies that are wrong from end to end, for routes without fields as well."""
    body = json.dumps(valid_body(route, world) if route.body else {}).encode()
    yield from UNREADABLE.items()
    yield "byte order mark", b"\xef\xbb\xbf" + body
    yield "UTF-16", body.decode().encode("utf-16")
    yield "cut off", body[:-1]
    yield "twice", body + body
    yield "trailing comma", body[:-1] + b",}"
    yield "comment", body + b"// x"
    others: list[Any] = [None, True, 1, 1.5, "text", [], [{}]]
    for value in others:
        yield f"only {value!r}", json.dumps(value).encode()


def _frames(route: Route, world: World) -> Iterator[tuple[Steps, bytes]]:
    """For each field, a body that is valid but for a place to be filled."""
    if route.body is None:
        return
    valid = valid_body(route, world)
    for steps in fields(route.body):
        body = with_value(valid, steps, json.loads(PLACE), route.body)
        yield steps, json.dumps(body).encode()


def pointer(steps: Steps) -> str:
    return "/" + "/".join(steps)
