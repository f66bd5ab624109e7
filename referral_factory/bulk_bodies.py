"""Many rows in one body, each of which is read by itself: a bad one leaves the rest.

A JSON array, or one JSON value on each line (NDJSON). What `bodies` refuses in a body,
this refuses in a row: its place in the list holds an Unreadable.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count, islice
from typing import IO, Any

from rest_framework.exceptions import APIException, ErrorDetail, ParseError
from rest_framework.parsers import BaseParser

from referral_factory.bodies import (
    DuplicateKey,
    children,
    decode,
    has_escapes,
    inspect,
    read_body,
    read_constant,
    read_decimal,
    read_integer,
    read_object,
)
from referral_factory.wire import pointer_part

MAX_BYTES = 32 * 1024 * 1024
MAX_ROWS = 10_000
MOST_ERRORS = 20  # of one row that are told
MOST_UNREADABLE = 50_000  # values in a body, until it is not worth reading on


class TooManyRows(APIException):
    status_code = 413
    default_code = "too_many_rows"
    default_detail = f"More than {MAX_ROWS:,} rows. Send them in several calls."


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What stood in the place of a row, or in it, and cannot be read.

    `errors`: where in it, and what, as `wire.flat_errors` says it.
    """

    errors: list[tuple[str, ErrorDetail]]


class BulkJSONParser(BaseParser):
    """A JSON array. A body that is none, or breaks off, is refused as a whole."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = read_body(stream, media_type, parser_context or {}, MAX_BYTES)
        reader = RowReader(body)
        rows = reader.read()
        if not isinstance(rows, list):
            raise ParseError("The body must be an array of rows.", code="wrong_body")
        return [reader.checked(row) for row in _bounded(rows)]


class NdjsonParser(BaseParser):
    """One JSON value on each line. Empty lines are no rows."""

    media_type = "application/x-ndjson"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = read_body(stream, media_type, parser_context or {}, MAX_BYTES)
        lines = [line for line in body.split(b"\n") if line.strip()]
        unreadable = count(1)
        return [_line(line, unreadable) for line in _bounded(lines)]


class RowReader:
    """Reads JSON, and leaves an Unreadable in the place of each value that is none.

    `unreadable` counts these, for all readers of one body.
    """

    def __init__(self, body: bytes, unreadable: Iterator[int] | None = None) -> None:
        self.body = body
        self.unreadable = unreadable or count(1)
        self.has_escapes = has_escapes(body)
        self.has_unreadable = False
        self.decoder = json.JSONDecoder(
            object_pairs_hook=self._forgiving(read_object),
            parse_constant=self._forgiving(read_constant),
            parse_float=self._forgiving(read_decimal),
            parse_int=self._forgiving(read_integer),
        )

    def read(self) -> Any:
        """ParseError where there is not one JSON value."""
        return decode(self.body, self.decoder)

    def checked(self, row: Any) -> Any:
        """The row, or an Unreadable that says all that cannot be read in it."""
        errors = _errors_in("", row) if self.has_unreadable else iter(())
        if told := list(islice(errors, MOST_ERRORS)):
            return Unreadable(told)
        if self.has_escapes:
            try:
                inspect(row, escapes=True)
            except ParseError as error:
                return Unreadable(_errors_of(error))
        return row

    def _forgiving(self, hook: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def read(value: Any) -> Any:
            try:
                return hook(value)
            except ParseError as error:
                if next(self.unreadable) > MOST_UNREADABLE:
                    raise
                self.has_unreadable = True
                return Unreadable(_errors_of(error))

        return read


def _errors_of(error: ParseError) -> list[tuple[str, ErrorDetail]]:
    step = f"/{pointer_part(error.key)}" if isinstance(error, DuplicateKey) else ""
    detail = ErrorDetail(str(error.detail), str(error.get_codes()))
    found: list[tuple[str, ErrorDetail]]
    found = getattr(error, "errors", [(step, detail)])
    return found


def _errors_in(pointer: str, value: Any) -> Iterator[tuple[str, ErrorDetail]]:
    if isinstance(value, Unreadable):
        yield from ((pointer + inner, detail) for inner, detail in value.errors)
    for inner, child in children(pointer, value):
        yield from _errors_in(inner, child)


def _line(line: bytes, unreadable: Iterator[int]) -> Any:
    reader = RowReader(line, unreadable)
    try:
        return reader.checked(reader.read())
    except ParseError as error:
        return Unreadable(_errors_of(error))


def _bounded(rows: list[Any]) -> list[Any]:
    if len(rows) > MAX_ROWS:
        raise TooManyRows
    return rows
