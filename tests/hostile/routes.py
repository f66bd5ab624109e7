"""Every route of the API, read from its own document: a new one joins by itself."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "patch", "put", "delete")
WRITES = {"post", "patch", "put"}

QUESTIONS = {"/api/v1/explain"}

Schema = Mapping[str, Any]
Steps = tuple[str, ...]  # from the body to one of its fields

# What a field of this name holds, where its schema does not say.
BY_NAME = {
    "email": "new@example.com",
    "external_id": "new-1",
    "event_id": "order-1",
    "name": "purchase",
    "slug": "a-new-slug",
    "landing_url": "https://shop.example/welcome",
    "url": "http://127.0.0.1:9/hooks",
    "address": "198.51.100.7",
}


@dataclass(frozen=True)
class Route:
    """One method of one path."""

    method: str
    path: str
    operation: Schema

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def writes(self) -> bool:
        return self.method in WRITES

    @property
    def body(self) -> Schema | None:
        """The schema of the body; None where no field is taken."""
        content = self.operation.get("requestBody", {}).get("content", {})
        found: Schema | None = content.get("application/json", {}).get("schema")
        return found and resolved(found)

    @property
    def row(self) -> Schema | None:
        """The schema of each row, where the body is an array of them."""
        rows = self.body and self.body.get("items")
        return resolved(rows) if rows else None

    @property
    def takes_a_file(self) -> bool:
        """Whether its body is a form with a file in it."""
        content = self.operation.get("requestBody", {}).get("content", {})
        return "multipart/form-data" in content

    @property
    def scope(self) -> str | None:
        match = re.search(r"Scope: `([^`]+)`", self.operation["description"])
        return match[1] if match else None

    @property
    def id_prefix(self) -> str | None:
        """The kind of the id in the path; None where there is none."""
        (prefix,) = [*map(prefix_of, self._schemas("path").values()), None][:1]
        return prefix

    @property
    def query(self) -> Mapping[str, Schema]:
        return self._schemas("query")

    def url(self, public_id: str = "") -> str:
        """The path, with this text where its id belongs."""
        return re.sub(r"\{[^}]+\}", lambda _: public_id, self.path)

    def _schemas(self, place: str) -> Mapping[str, Schema]:
        return {
            parameter["name"]: parameter["schema"]
            for parameter in self.operation.get("parameters", [])
            if parameter["in"] == place
        }


@cache
def document() -> Any:
    """The document as /api/schema gives it out."""
    return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]


@cache
def routes() -> tuple[Route, ...]:
    return tuple(
        Route(method, path, operation)
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
        if method in METHODS
    )


def writes() -> list[Route]:
    return [route for route in routes() if route.writes]


def with_an_id() -> list[Route]:
    return [route for route in routes() if route.id_prefix]


def lists() -> list[Route]:
    """All that is read without an id; what answers a question only when it is asked
    one (QUESTIONS) has tests of its own."""
    reads = [r for r in routes() if r.method == "get" and not r.id_prefix]
    return [r for r in reads if r.path not in QUESTIONS]


def resolved(schema: Schema) -> Schema:
    """The schema that a reference leads to."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return resolved(document()["components"]["schemas"][name])
    for several in ("allOf", "oneOf"):
        if several in schema:
            return resolved(schema[several][0])
    return schema


def prefix_of(schema: Schema) -> str | None:
    """The kind of ids that a schema describes."""
    match = re.match(r"\^([a-z]+)_\[0-7\]", schema.get("pattern", ""))
    return match[1] if match else None


def fields(schema: Schema, above: Steps = ()) -> Iterator[Steps]:
    """Every field of a body, and every field of the objects in it."""
    for name, described in schema.get("properties", {}).items():
        steps = (*above, name)
        yield steps
        yield from fields(resolved(described), steps)


def alone(schema: Schema, steps: Steps) -> bool:
    """Whether a field is one of an object that takes only one of its fields."""
    exclusive = schema.get("maxProperties") == 1
    inner = resolved(schema["properties"][steps[0]])
    return exclusive or (len(steps) > 1 and alone(inner, steps[1:]))


def example(schema: Schema, name: str, id_of: Callable[[str], str]) -> Any:
    """A value that fits a schema; `id_of` knows an id of each kind."""
    schema = resolved(schema)
    if "properties" in schema:
        return {
            each: example(schema["properties"][each], each, id_of)
            for each in _needed(schema)
        }
    if prefix := prefix_of(schema):
        return id_of(prefix)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return [example(schema["items"], name, id_of)]
    if schema.get("format") == "date-time":
        return "2026-01-31T12:00:00Z"
    return _plain(schema, name, id_of)


def _plain(schema: Schema, name: str, id_of: Callable[[str], str]) -> Any:
    kinds = {"integer": 7, "number": 7, "boolean": True, "object": {"colour": "red"}}
    kind = schema.get("type")
    if isinstance(kind, str) and kind in kinds:
        return kinds[kind]
    own = {"id": "ptc", "participant": "ptc", "click": "clk"}
    if name in own:
        return id_of(own[name])
    return schema.get("example") or BY_NAME.get(name, "text")


def _needed(schema: Schema) -> list[str]:
    """The fields without which nothing of this schema is valid."""
    alternatives = schema.get("anyOf", [{}])[0].get("required", [])
    names = [*schema.get("required", []), *alternatives]
    if not names and schema.get("minProperties"):
        names = list(schema["properties"])[:1]
    return names


def with_value(body: Any, steps: Steps, value: Any, schema: Schema) -> dict[str, Any]:
    """The body with one field replaced; an object that takes one field has that one."""
    name, *rest = steps
    described = resolved(schema["properties"][name])
    if not rest:
        kept = {} if schema.get("maxProperties") == 1 else body
        return {**kept, name: value}
    inside = body.get(name)
    if not isinstance(inside, dict):
        inside = {}
    return {**body, name: with_value(inside, tuple(rest), value, described)}
