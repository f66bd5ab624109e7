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

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        value = loads(read_body(stream, media_type, parser_context or {}, MAX_BYTES))
        if not isinstance(value, dict):
            raise ParseError("The body must be an object.", code="wrong_body")
        return value


def read_body(
    stream: IO[bytes],
    media_type: str | None,
    parser_context: Mapping[str, Any],
    limit: int,
) -> bytes:
    """All of a body, of which Idempotency-Key keeps a hash to compare requests by."""
    refuse_other_charsets(media_type)
    refuse_announced(parser_context, limit)
    body = read_bounded(stream, limit)
    if isinstance(parser_context, dict):
        parser_context["body_hash"] = hashlib.sha256(body).hexdigest()
    return body


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
    value = decode(body, STRICT)
    inspect(value, escapes=has_escapes(body))
    return value


def decode(body: bytes, decoder: json.JSONDecoder) -> Any:
    try:
        return decoder.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ParseError("The body is not UTF-8.", code="not_utf8") from error
    except RecursionError as error:
        raise ParseError(f"Nested deeper than {MAX_DEPTH}.", code="too_deep") from error
    except json.JSONDecodeError as error:
        raise ParseError(f"Not JSON: {error}.", code="malformed_json") from error


def has_escapes(body: bytes) -> bool:
    """Whether there may be a NUL or half of a surrogate pair: the JSON grammar refuses
    the one as it is, UTF-8 the other."""
    return b"\\u" in body


class DuplicateKey(ParseError):
    def __init__(self, key: str) -> None:
        super().__init__(
            f"The key {ascii(key)[:100]} stands twice in one object.",
            code="duplicate_key",
        )
        self.key = key


def read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:
        raise ParseError(f"An object of more than {MAX_KEYS} keys.", code="many_keys")
    value = dict(pairs)
    if len(value) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = counts.most_common(1)[0][0]
        raise DuplicateKey(twice)
    return value


def read_constant(name: str) -> Any:
    raise ParseError(f"{name} is not JSON.", code="malformed_json")


def read_decimal(text: str) -> Decimal:
    if len(text) > MAX_NUMBER_LENGTH:
        raise ParseError("A number is too long.", code="number_too_long")
    if (
        len(text.lower().partition("e")[2]) > 4
    ):  # Decimal refuses, or keeps, exponents of any size
        raise ParseError("A number is out of range.", code="number_out_of_range")
    return Decimal(text)


def read_integer(text: str) -> int:
    # Compared as text first: reading thousands of digits is work.
    if len(text) > MAX_NUMBER_LENGTH or abs(int(text)) > LARGEST_INTEGER:
        raise ParseError(
            "An integer beyond ±2^53: write it as a string.", code="number_out_of_range"
        )
    return int(text)


def inspect(value: Any, *, escapes: bool) -> None:
    """Refuse what is too deep, and text that no database or reader takes."""
    level = [("", value)]
    for _ in range(MAX_DEPTH + 1):
        if escapes:
            for pointer, item in level:
                _refuse_bad_text(pointer, item)
        level = [child for pointer, item in level for child in children(pointer, item)]
        if not level:
            return
    raise ParseError(f"Nested deeper than {MAX_DEPTH}.", code="too_deep")


def children(pointer: str, value: Any) -> Iterator[tuple[str, Any]]:
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


STRICT = json.JSONDecoder(
    object_pairs_hook=read_object,
    parse_constant=read_constant,
    parse_float=read_decimal,
    parse_int=read_integer,
)
