"""JSON as we accept it: one reading only, bounded, and storable.

Python's own reader takes the last of two equal keys, accepts NaN, and lets halves of
surrogate pairs through. Two programs that read one body differently are a way in.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import IO, Any

from rest_framework import status
from rest_framework.exceptions import (
    APIException,
    ErrorDetail,
    ParseError,
    UnsupportedMediaType,
)
from rest_framework.parsers import BaseParser
from rest_framework.utils.mediatypes import _MediaType

from referral_factory.wire import LARGEST_INTEGER, MAX_DEPTH, pointer_part

MAX_BYTES = 256 * 1024
MAX_KEYS = 1_000
MAX_NUMBER_LENGTH = 64  # characters; longer ones are not numbers that anybody meant


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"


class StrictJSONParser(BaseParser):
    """One JSON object in UTF-8. Numbers with a fraction become Decimal."""

    media_type = "application/json"
    max_bytes = MAX_BYTES
    kind: type = dict
    kind_name = "an object"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        refuse_other_charsets(media_type)
        refuse_announced(parser_context or {}, self.max_bytes)
        body = read_bounded(stream, self.max_bytes)
        if isinstance(parser_context, dict):
            # Idempotency compares requests by this.
            parser_context["body_hash"] = hashlib.sha256(body).hexdigest()
        value = loads(body)
        if not isinstance(value, self.kind):
            raise ParseError(f"The body must be {self.kind_name}.", code="wrong_body")
        return value


class BulkJSONParser(StrictJSONParser):
    """A JSON array, for routes that take many at once."""

    max_bytes = 32 * 1024 * 1024
    kind = list
    kind_name = "an array"


def refuse_other_charsets(media_type: str | None) -> None:
    charset = _MediaType(media_type or "").params.get("charset", "utf-8")
    if charset.strip('"').lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType(
            media_type or "", detail="JSON is written in UTF-8.", code="not_utf8"
        )


def refuse_announced(parser_context: Mapping[str, Any], limit: int) -> None:
    """Refuse a body by the length that it says it has, before any of it is awaited."""
    request = parser_context.get("request")
    length = request.META.get("CONTENT_LENGTH", "") if request else ""
    if length and int(length) > limit:
        raise _too_large(limit)


def read_bounded(stream: IO[bytes], limit: int) -> bytes:
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limit // 1024} KB.")


def loads(body: bytes) -> Any:
    """The value in the body; ParseError says what is wrong, and where it can."""
    try:
        text = body.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_decimal,
            parse_int=_integer,
        )
    except UnicodeDecodeError as error:
        raise ParseError("The body is not UTF-8.", code="not_utf8") from error
    except RecursionError as error:
        raise ParseError(f"Nested deeper than {MAX_DEPTH}.", code="too_deep") from error
    except json.JSONDecodeError as error:
        raise ParseError(f"Not JSON: {error}.", code="malformed_json") from error
    _inspect(value, escapes="\\u" in text)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:
        raise ParseError(f"An object of more than {MAX_KEYS} keys.", code="many_keys")
    value = dict(pairs)
    if len(value) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = counts.most_common(1)[0][0]
        raise ParseError(
            f"The key {ascii(twice)[:100]} stands twice in one object.",
            code="duplicate_key",
        )
    return value


def _constant(name: str) -> Any:
    raise ParseError(f"{name} is not JSON.", code="malformed_json")


def _decimal(text: str) -> Decimal:
    if len(text) > MAX_NUMBER_LENGTH:
        raise ParseError("A number is too long.", code="number_too_long")
    if (
        len(text.lower().partition("e")[2]) > 4
    ):  # Decimal refuses, or keeps, exponents of any size
        raise ParseError("A number is out of range.", code="number_out_of_range")
    return Decimal(text)


def _integer(text: str) -> int:
    # Compared as text first: reading thousands of digits is work.
    if len(text) > MAX_NUMBER_LENGTH or abs(int(text)) > LARGEST_INTEGER:
        raise ParseError(
            "An integer beyond ±2^53: write it as a string.", code="number_out_of_range"
        )
    return int(text)


def _inspect(value: Any, *, escapes: bool) -> None:
    """Refuse what is too deep, and text that no database or reader takes.

    Without a \\u in the body there can be no NUL and no half of a surrogate pair: the
    JSON grammar refuses the one as it is, UTF-8 the other.
    """
    level = [("", value)]
    for _ in range(MAX_DEPTH + 1):
        if escapes:
            for pointer, item in level:
                _refuse_bad_text(pointer, item)
        level = [child for pointer, item in level for child in _children(pointer, item)]
        if not level:
            return
    raise ParseError(f"Nested deeper than {MAX_DEPTH}.", code="too_deep")


def _children(pointer: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield f"{pointer}/{pointer_part(key)}", item
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield f"{pointer}/{index}", item


def _refuse_bad_text(pointer: str, value: Any) -> None:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | dict):
        return
    for text in texts:
        if isinstance(text, str) and not _is_storable(text):
            where = pointer if isinstance(value, str) else f"{pointer}/{text}"
            raise BadText(where)


def _is_storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


class BadText(ParseError):
    """Text with a NUL or half of a surrogate pair in it, at `pointer`."""

    def __init__(self, pointer: str) -> None:
        message = "NUL and lone surrogates are not text."
        super().__init__(message, code="bad_text")
        shown = pointer.encode("ascii", "backslashreplace").decode()
        self.errors = [
            (shown.replace("\x00", "\\x00"), ErrorDetail(message, "bad_text"))
        ]
