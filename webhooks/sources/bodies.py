"""What a body says: JSON or a form, read once it is known who sent it."""

import json
from collections.abc import Iterable
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler, StopFutureHandlers
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from rest_framework.exceptions import ParseError
from rest_framework.utils.mediatypes import _MediaType

from referral_factory.bodies import (
    MAX_KEYS,
    decode,
    has_escapes,
    inspect,
    read_constant,
    read_decimal,
    read_object,
)
from webhooks.sources.refusing import NotTaken, unreadable

FORM = "application/x-www-form-urlencoded"
FILES = "multipart/form-data"
# Some systems call their JSON plain text, or do not say what it is.
JSON = {"application/json", "text/json", "text/plain", ""}
LONGEST_INTEGER = 19  # digits: of what 64 bits hold


def read_body(body: bytes, content_type: str) -> Any:
    """The value of a body; NotTaken says what is wrong with it."""
    kind = _MediaType(content_type)
    name = f"{kind.main_type}/{kind.sub_type}" if kind.main_type else ""
    _refuse_other_charsets(kind)
    _refuse_disguise(body, name)
    try:
        if name == FORM:
            return _read_form(body)
        if name == FILES:
            return _read_parts(body, content_type)
        if name in JSON or name.endswith("+json"):
            return _read_json(body)
    except ParseError as error:
        raise unreadable(error) from error
    raise NotTaken(
        "unsupported_media_type", "Neither JSON nor a form: see Content-Type.", 415
    )


def read_query(query: str) -> dict[str, Any]:
    """The parameters of a URL, read as a form is."""
    try:
        return _read_form(query.encode("ascii", "replace"))
    except ParseError as error:
        raise unreadable(error) from error


def _refuse_other_charsets(kind: Any) -> None:
    charset = kind.params.get("charset", "utf-8").strip('"').lower()
    if charset not in {"utf-8", "utf8", "us-ascii"}:
        raise NotTaken("not_utf8", "Only UTF-8 is read here.", 415)


def _refuse_disguise(body: bytes, name: str) -> None:
    """No signature covers Content-Type. What a customer wrote in an order's note
    (`&amount=9999`) must not become a field because somebody calls the order a form."""
    first = body.lstrip()[:2]
    is_json, is_parts = first[:1] in {b"{", b"["}, first == b"--"
    if (name == FORM and (is_json or is_parts)) or (name == FILES and is_json):
        raise NotTaken("wrong_content_type", "Content-Type names another kind of body.")


def _read_json(body: bytes) -> Any:
    value = decode(body, DECODER)
    inspect(value, escapes=has_escapes(body))
    return value


def _read_integer(text: str) -> int:
    """Ids of other systems have up to 64 bits; more digits are read by nobody alike."""
    if len(text.lstrip("-")) > LONGEST_INTEGER or not -(2**63) <= int(text) < 2**63:
        raise ParseError("An integer beyond 64 bits.", code="number_out_of_range")
    return int(text)


DECODER = json.JSONDecoder(
    object_pairs_hook=read_object,
    parse_constant=read_constant,
    parse_float=read_decimal,
    parse_int=_read_integer,
)


def _read_form(body: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(
            body.decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_KEYS,
        )
    except UnicodeDecodeError as error:
        raise ParseError("The form is not UTF-8.", code="not_utf8") from error
    except ValueError as error:
        message = f"A form of more than {MAX_KEYS} fields."
        raise ParseError(message, code="many_keys") from error
    return _by_name(pairs)


class _NoFiles(FileUploadHandler):
    def new_file(self, *args: Any, **kwargs: Any) -> None:
        raise StopFutureHandlers

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return None  # read past, and kept nowhere

    def file_complete(self, file_size: int) -> None:
        return None


def _read_parts(body: bytes, content_type: str) -> dict[str, Any]:
    """A form in parts; files in it are passed over."""
    meta = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body))}
    try:
        parser = MultiPartParser(meta, BytesIO(body), [_NoFiles()], "utf-8")
        fields, _ = parser.parse()
    except (MultiPartParserError, SuspiciousOperation, BadRequest) as error:
        raise ParseError("The form cannot be read.", code="malformed_form") from error
    return _by_name(
        (name, text) for name, texts in fields.lists() for text in map(str, texts)
    )


def _by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Text by its name; a list of texts where a name stands several times."""
    found: dict[str, list[str]] = {}
    for name, text in pairs:
        found.setdefault(name, []).append(text)
    form = {k: each[0] if len(each) == 1 else each for k, each in found.items()}
    inspect(form, escapes=True)
    return form
