"""What values look like on the wire: ids, money, moments, text, free-form objects."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, cached_property, lru_cache
from typing import Any, ClassVar, NoReturn
from uuid import UUID

import orjson
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import SkipField, get_attribute
from rest_framework.utils.encoders import JSONEncoder

from referral_factory import money
from referral_factory.ids import Identified, InvalidId, from_public, to_public
from referral_factory.text import clean_text

MAX_DEPTH = 20
NON_FIELD_ERRORS = "non_field_errors"  # what REST framework calls the whole
LARGEST_OBJECT = 16_384  # bytes, as JSON
LARGEST_INTEGER = 2**53  # what every JSON reader keeps exactly
LONGEST_TEXT = 20_000  # characters that any text field may have
MAX_UNKNOWN = 20  # unknown fields named in one answer
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(3000, 1, 1, tzinfo=UTC)

MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
# What JSON has no words for is written as REST framework writes it.
OTHERS = JSONEncoder()
OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS
AMOUNT = re.compile(r"[0-9]{1,14}(\.[0-9]{1,4})?", re.ASCII)


def pointer_part(key: object) -> str:
    """A key as one step of a JSON pointer (RFC 6901), cut to a readable length."""
    return str(key)[:100].replace("~", "~0").replace("/", "~1")


class TextField(serializers.CharField):
    """Text of people or systems, of a known length, in NFC, without control characters.

    `multiline` allows line breaks and tabs.
    """

    def __init__(
        self, max_length: int, *, multiline: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(max_length=max_length, **kwargs)
        self.longest = max_length
        self.multiline = multiline
        # Nothing but its length is left to judge once the text is clean.
        self.is_simple = not kwargs.keys() & {"validators", "min_length"}

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, int) and not isinstance(data, bool):
            data = str(data)
        if isinstance(data, str):
            if len(data) > LONGEST_TEXT:  # not worth a look
                self.fail("max_length", max_length=self.max_length)
            # Before CharField does: it trims control characters at the ends away.
            data = clean_text(data, multiline=self.multiline)
            trimmed = data.strip()
            if self.is_simple and trimmed and len(trimmed) <= self.longest:
                return trimmed
        return super().run_validation(data)


class ChoiceField(serializers.ChoiceField):
    """One of a few words; who says another is told which there are."""

    default_error_messages = {"invalid_choice": "Choose one of: {choices}."}

    def fail(self, key: str, **values: Any) -> NoReturn:
        super().fail(key, choices=", ".join(map(str, self.choices)), **values)


class IdField(serializers.Field[UUID, str, str, Any]):
    """A TypeID of one kind: a UUID inside, text outside."""

    default_error_messages = {"invalid_id": "Not an id that starts with {prefix}_."}

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.prefix = prefix

    def to_internal_value(self, data: Any) -> UUID:
        try:
            return from_public(self.prefix, data if isinstance(data, str) else "")
        except InvalidId:
            self.fail("invalid_id", prefix=self.prefix)

    def to_representation(self, value: UUID | Identified) -> str:
        return to_public(self.prefix, value if isinstance(value, UUID) else value.pk)


class CurrencyField(serializers.Field[str, str, str, Any]):
    """An ISO 4217 code, in capitals."""

    default_error_messages = {"invalid_currency": "Not an ISO 4217 currency code."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in money.CURRENCIES:
            self.fail("invalid_currency")
        return data

    def to_representation(self, value: str) -> str:
        return value


class MoneyField(serializers.Field[Any, Any, Any, Any]):
    """An amount: a decimal string (or a plain JSON number), never negative.

    Written with the decimal places of the currency beside it: `currency` says where
    that is on the object ("campaign.currency"), and is not needed for input.
    """

    default_error_messages = {
        "invalid_amount": (
            "Not an amount: digits, with up to 14 before the point and 4 after it."
        ),
        "not_positive": "Must be more than zero.",
    }

    def __init__(
        self, *, currency: str = "currency", positive: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.currency = currency
        self.positive = positive

    def to_internal_value(self, data: Any) -> Decimal:
        # A JSON number arrives as int or Decimal; a float would be inexact already.
        if isinstance(data, bool) or not isinstance(data, str | int | Decimal):
            self.fail("invalid_amount")
        if isinstance(data, int) and abs(data) > LARGEST_INTEGER:
            self.fail("invalid_amount")
        if not AMOUNT.fullmatch(str(data)):
            self.fail("invalid_amount")
        amount = Decimal(data)
        if self.positive and not amount:
            self.fail("not_positive")
        return amount

    def get_attribute(self, instance: Any) -> str | None:
        amount = super().get_attribute(instance)
        if amount is None:
            return None
        return money.as_text(amount, get_attribute(instance, self.currency.split(".")))

    def to_representation(self, value: Any) -> Any:
        return value  # text already: get_attribute saw the currency


class MomentField(serializers.Field[datetime, str, str, Any]):
    """A time with an offset (RFC 3339), answered in UTC with a Z."""

    default_error_messages = {
        "invalid_moment": (
            "Not a time with an offset (RFC 3339), such as 2026-01-31T12:00:00Z."
        ),
        "out_of_range": "Not between the years 1900 and 2999.",
    }

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str) or not MOMENT.fullmatch(data):
            self.fail("invalid_moment")
        try:
            moment = datetime.fromisoformat(data.upper())
        except ValueError:
            self.fail("invalid_moment")
        # Compared as it is: the first and the last hours have no UTC equivalent.
        if not EARLIEST <= moment < LATEST:
            self.fail("out_of_range")
        return moment.astimezone(UTC)

    def to_representation(self, value: datetime) -> str:
        return moment_as_text(value)


@lru_cache(maxsize=1000)  # all that one call writes was made at the same time
def moment_as_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


class JsonObjectField(serializers.Field[dict[str, Any], Any, dict[str, Any], Any]):
    """A free-form JSON object: attributes, properties. Bounded, clean, storable."""

    default_error_messages = {
        "not_an_object": "Must be a JSON object.",
        "too_large": f"Larger than {LARGEST_OBJECT} bytes.",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_an_object")
        # Text is clean, and numbers are small, before they are written and measured.
        cleaned: dict[str, Any] = _clean_json(data, depth=1)
        if len(as_json(cleaned)) > LARGEST_OBJECT:
            self.fail("too_large")
        return cleaned

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        return value


def _clean_json(value: Any, *, depth: int) -> Any:
    """The value with clean text and plain numbers; errors are nested as it is."""
    if depth > MAX_DEPTH and isinstance(value, dict | list):
        raise ValidationError(f"Nested deeper than {MAX_DEPTH}.", code="too_deep")
    if isinstance(value, dict):
        return dict(_clean_item(key, item, depth) for key, item in value.items())
    if isinstance(value, list):
        return [_clean_item(n, item, depth)[1] for n, item in enumerate(value)]
    if isinstance(value, str):
        return clean_text(value)
    return _clean_scalar(value)


def _clean_item(key: Any, value: Any, depth: int) -> tuple[Any, Any]:
    """A key of an object, or an index, with its value."""
    try:
        if isinstance(key, str):
            key = clean_text(key, multiline=False)
        return key, _clean_json(value, depth=depth + 1)
    except ValidationError as error:
        raise ValidationError({pointer_part(key): error.detail}) from error


def _clean_scalar(value: Any) -> Any:
    """A number that JSON readers agree on, a boolean or null."""
    if value is None or isinstance(value, bool):
        return value
    clean_text(str(value))  # a card number may come as a number, too
    if isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise ValidationError("Beyond ±2^53.", code="out_of_range")
        return value
    number = float(value)
    if number - number != 0:  # infinite, or not a number
        raise ValidationError("Not a finite number.", code="out_of_range")
    if abs(number) > LARGEST_INTEGER:  # the database tells it digit for digit
        raise ValidationError("Beyond ±2^53.", code="out_of_range")
    return number


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that refuses what it does not know, rather than ignoring it.

    `documented` is what JSON Schema should say beyond its fields.
    """

    documented: ClassVar[Mapping[str, Any]] = {}
    default_error_messages = {"invalid": "Not an object, such as {{…}}."}

    @classmethod
    def read(cls, data: Any) -> Any:
        """What `is_valid` and `validated_data` give, in a fraction of their time.

        For routes that are called often, and for rows: the fields are made once, not
        once per row. There is no context.
        """
        return _reader(cls).run_validation(data)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)  # which says what it is not
        values, errors = {}, self._unknown(data)
        for name, (field, check) in self._checks.items():
            if name not in data and name in self._may_be_left_out:
                continue  # as run_validation would say, in many times the time
            try:
                value = field.run_validation(data.get(name, serializers.empty))
                values[field.source] = check(value) if check else value
            except ValidationError as error:
                errors[name] = error.detail
            except SkipField:
                pass
        if errors:
            raise ValidationError(errors)
        return values

    def run_validators(self, value: Any) -> None:
        if self.validators:
            super().run_validators(value)

    @cached_property
    def _checks(self) -> dict[str, tuple[Any, Callable[[Any], Any] | None]]:
        """Each field by its name, with this class's own check of it, if any."""
        return {
            str(field.field_name): (
                field,
                getattr(self, f"validate_{field.field_name}", None),
            )
            for field in self._writable_fields
        }

    @cached_property
    def _may_be_left_out(self) -> frozenset[str]:
        return frozenset(
            name
            for name, (field, _) in self._checks.items()
            if not field.required and field.default is serializers.empty
        )

    def _unknown(self, data: Mapping[str, Any]) -> dict[str, Any]:
        if data.keys() <= self._checks.keys():
            return {}
        unknown = [key for key in data if key not in self._checks][:MAX_UNKNOWN]
        return {
            pointer_part(key): [
                ErrorDetail(_guess(key, list(self._checks)), "unknown_field")
            ]
            for key in unknown
        }


def as_json(value: Any) -> bytes:
    """The bytes of an answer or of a message."""
    return orjson.dumps(value, OTHERS.default, OPTIONS)


@cache
def _reader(cls: type[StrictSerializer]) -> StrictSerializer:
    return cls()


def _guess(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key[:100], known, n=1)
    if close:
        return f"There is no such field. Did you mean {close[0]!r}?"
    return f"There is no such field; there are {', '.join(known)}."


def flat_errors(detail: Any, pointer: str = "") -> Iterator[tuple[str, ErrorDetail]]:
    """(pointer, error) for each error. Field names are pointer steps already."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            step = "" if name == NON_FIELD_ERRORS else f"/{name}"
            yield from flat_errors(inner, pointer + step)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            yield from flat_errors(inner, f"{pointer}/{index}" if nested else pointer)
    else:
        yield pointer, detail
