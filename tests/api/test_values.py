"""What values may look like; see referral_factory/wire.py."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from rest_framework.exceptions import ValidationError
from rest_framework.fields import Field

from referral_factory.ids import new_id, to_public
from referral_factory.text import has_card_number
from referral_factory.wire import (
    CurrencyField,
    IdField,
    JsonObjectField,
    MomentField,
    MoneyField,
    TextField,
)
from tests.factories import NOBODY


def refused(field: Field, value: Any) -> str:
    """The code that the value is refused with; "" if it is not."""
    try:
        field.run_validation(value)
    except ValidationError as error:
        (code,) = flat(error.get_codes())
        return code
    return ""


def flat(codes: Any) -> list[str]:
    if isinstance(codes, str):
        return [codes]
    values = codes.values() if isinstance(codes, dict) else codes
    return [code for inner in values for code in flat(inner)]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("25.00", Decimal("25.00")),
        ("0", Decimal(0)),
        ("0.0001", Decimal("0.0001")),
        ("9" * 14 + ".9999", Decimal("9" * 14 + ".9999")),
        (25, Decimal(25)),
        (Decimal("25.10"), Decimal("25.10")),
    ],
)
def test_an_amount_is_exact(text: Any, amount: Decimal) -> None:
    assert MoneyField().run_validation(text) == amount


@pytest.mark.parametrize(
    "value",
    [
        "-1",
        -1,
        Decimal("-0.01"),
        "+1",
        "1e3",
        Decimal("1E+3"),
        "NaN",
        Decimal("NaN"),
        Decimal("Infinity"),
        25.1,
        True,
        "",
        " 1",
        "1 ",
        "1\n",
        "1,000",
        "1.",
        ".5",
        "1.00001",
        "9" * 15,
        10**15,
        "٣",
        "\uff11",
        "0x10",
        "1_000",
        [],
        {},
    ],
)
def test_an_amount_is_plain_digits(value: Any) -> None:
    assert refused(MoneyField(), value) == "invalid_amount"


def test_an_amount_may_have_to_be_positive() -> None:
    assert refused(MoneyField(positive=True), "0.00") == "not_positive"


@pytest.mark.parametrize(
    ("currency", "shown"), [("USD", "25.00"), ("JPY", "25"), ("KWD", "25.000")]
)
def test_an_amount_is_written_with_the_places_of_its_currency(
    currency: str, shown: str
) -> None:
    field = MoneyField(currency="offer.currency")
    field.bind("amount", None)  # type: ignore[arg-type]
    thing = {"amount": Decimal("25.0000"), "offer": {"currency": currency}}

    assert field.to_representation(field.get_attribute(thing)) == shown


@pytest.mark.parametrize("value", ["usd", "US", "USDX", "", 840, None, [], "ZZZ"])
def test_a_currency_is_an_iso_code(value: Any) -> None:
    assert refused(CurrencyField(), value) in {"invalid_currency", "null"}


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31t12:00:00z",
        "2026-01-31T13:00:00+01:00",
        "2026-01-30T22:00:00.000-14:00",
        "2026-01-31T12:00:00.000000000Z",
    ],
)
def test_a_moment_is_read_with_its_offset_and_answered_in_utc(text: str) -> None:
    moment = MomentField().run_validation(text)

    assert moment == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert MomentField().to_representation(moment) == "2026-01-31T12:00:00Z"


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-31T12:00:00",
        "2026-01-31",
        "2026-01-31 12:00:00Z",
        "2026-01-31T12:00Z",
        "2026-02-30T12:00:00Z",
        "2026-01-31T25:00:00Z",
        "2026-01-31T12:00:60Z",
        "2026-01-31T12:00:00+25:00",
        "2026-W05-6T12:00:00Z",
        "٢٠٢٦-01-31T12:00:00Z",
        "2026-01-31T12:00:00Z\n",
        1769860800,
        True,
        {},
    ],
)
def test_a_moment_without_offset_or_sense_is_refused(value: Any) -> None:
    assert refused(MomentField(), value) == "invalid_moment"


@pytest.mark.parametrize(
    "value", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
def test_a_moment_far_away_is_refused(value: str) -> None:
    assert refused(MomentField(), value) == "out_of_range"


def test_an_id_is_read_and_written() -> None:
    key = new_id()
    field = IdField("cmp")

    assert field.run_validation(to_public("cmp", key)) == key
    assert field.to_representation(key) == to_public("cmp", key)


@pytest.mark.parametrize(
    "value",
    [to_public("ptc", NOBODY), str(NOBODY), "cmp_", "cmp_" + "z" * 26, "", 1, {}],
)
def test_an_id_of_another_kind_is_refused(value: Any) -> None:
    assert refused(IdField("cmp"), value) == "invalid_id"


def test_two_spellings_of_a_text_are_one() -> None:
    assert TextField(9).run_validation("Zoe\u0308") == "Zo\u00eb"


@pytest.mark.parametrize(
    "text", ["a\x00", "\x01", "a\tb", "a\nb", "\x7f", "\x85", "\ud800", "\x1b[0m"]
)
def test_a_line_of_text_has_no_control_characters(text: str) -> None:
    assert refused(TextField(9), text) == "control_character"


def test_free_text_may_have_line_breaks() -> None:
    field = TextField(99, multiline=True)

    assert field.run_validation("a\r\n\tb") == "a\n\tb"
    assert refused(field, "a\rb") == "control_character"


@pytest.mark.parametrize("value", [True, [], {}, Decimal("1.5")])
def test_text_is_text(value: Any) -> None:
    assert refused(TextField(9), value) == "invalid"


@pytest.mark.parametrize("length", [10, 100_000])
def test_text_is_not_longer_than_its_place(length: int) -> None:
    assert refused(TextField(9), "a" * length) == "max_length"


def test_a_number_is_text_too() -> None:
    assert TextField(20).run_validation(12345) == "12345"
    assert refused(TextField(20), 4111111111111111) == "card_number"


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "card: 5555-5555-5555-4444.",
        "378282246310005",
        "6011111111111117",
        "4222222222222",
        "30569309025904",
        "2223000048400011",
        "(4000056655665556)",
    ],
)
def test_a_card_number_is_seen_and_refused(text: str) -> None:
    assert refused(TextField(99), text) == "card_number"


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # the last digit is wrong
        "1732276800000",  # milliseconds
        "0000000000000000",
        "+4915112345678",
        "9f86d081884c7d654111111111111111ab",
        "1234567812345670",  # passes, but no network issues such numbers
        "2026-01-31 12:00",
    ],
)
def test_other_long_numbers_are_fine(text: str) -> None:
    assert not has_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "\u202egnp.exe",  # reads from right to left from here on
        "Ann\u2066Lee\u2069",
        "Ann\u200bLee",  # looks like AnnLee
        "Ann\u200dLee",
        "\u200dAnn",
        "Ann\u2060",
        "Ann\ufeffLee",
        "Ann\u00adLee",
        "Ann\u200f",
        "\u3164",  # looks like nothing
        "Ann\U000e0041",
    ],
)
def test_what_nobody_sees_is_refused_in_names(text: str) -> None:
    assert refused(TextField(99), text) == "hidden_character"


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: mi-khaham
        "\u0915\u094d\u200d\u0937",  # Devanagari
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # a family
        "\U0001f3f3\ufe0f\u200d\U0001f308",  # a flag of many colours
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "\u05d0\u05e0\u05d4",  # a name from right to left is a name
        "<b>Ann</b>",
        "=1+1",
    ],
)
def test_what_people_write_is_kept(text: str) -> None:
    assert TextField(99).run_validation(text) == text


def test_free_text_may_hold_what_takes_no_room_but_turns_nothing() -> None:
    note = TextField(99, multiline=True)

    assert note.run_validation("Sof\u00adfa\u200b \u200f") == "Sof\u00adfa\u200b \u200f"
    assert refused(note, "\u202egnp.exe") == "hidden_character"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ([], "not_an_object"),
        ("{}", "not_an_object"),
        ({"a": "x" * 17_000}, "too_large"),
        ({"a": {"b": ["\x00"]}}, "control_character"),
        ({"a\n": 1}, "control_character"),
        ({"a": 4111111111111111}, "card_number"),
        ({"4111111111111111": 1}, "card_number"),
        ({"a": 2**53 + 1}, "out_of_range"),
        ({"a": Decimal("1e999")}, "out_of_range"),
        ({"a": Decimal("1e22")}, "out_of_range"),
    ],
)
def test_an_object_is_bounded_and_clean(value: Any, code: str) -> None:
    assert refused(JsonObjectField(), value) == code


def test_an_object_is_no_deeper_than_twenty() -> None:
    value: dict[str, Any] = {}
    for _ in range(19):
        value = {"a": value}

    assert not refused(JsonObjectField(), value)
    assert refused(JsonObjectField(), {"a": value}) == "too_deep"


def test_an_object_can_be_stored_as_it_is_answered() -> None:
    value = {"a": Decimal("1.5"), "b": [True, None, "e\u0301"], "c": {"d": 2}}

    cleaned = JsonObjectField().run_validation(value)

    assert cleaned == {"a": 1.5, "b": [True, None, "\u00e9"], "c": {"d": 2}}
