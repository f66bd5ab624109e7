"""An event is read in one way, whatever road it comes by."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from referrals.event_rows import read_event
from referrals.services.events import Report

PLAIN: dict[str, Any] = {
    "event_id": "order-1",
    "name": "purchase",
    "participant": {"email": "ada@example.com"},
}


def test_what_is_left_out_has_its_default() -> None:
    assert read_event(PLAIN) == Report(
        "order-1", "purchase", {"email": "ada@example.com"}
    )


def test_a_file_gives_text_in_every_column() -> None:
    row = {
        **PLAIN,
        "occurred_at": "2026-01-31T12:00:00+02:00",
        "amount": "25.50",
        "currency": "USD",
        "properties": {"plan": "pro"},
        "reverses": "order-0",
    }

    read = read_event(row)

    assert isinstance(read, Report)
    assert read.occurred_at == datetime(2026, 1, 31, 10, tzinfo=UTC)
    assert (read.amount, read.currency) == (Decimal("25.50"), "USD")
    assert (read.properties, read.reverses) == ({"plan": "pro"}, "order-0")


def test_the_currency_of_no_amount_is_not_kept() -> None:
    read = read_event({**PLAIN, "amount": None, "currency": "USD"})

    assert isinstance(read, Report)
    assert (read.amount, read.currency) == (None, "")


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"event_id": ""}, "/event_id", "blank"),
        ({"amount": "25"}, "/currency", "required"),
        ({"amount": "25.001", "currency": "USD"}, "/amount", "too_many_places"),
        ({"amount": "-1", "currency": "USD"}, "/amount", "invalid_amount"),
        ({"participant": {}}, "/participant", "exactly_one"),
        ({"participant": "ada"}, "/participant", "invalid"),
        ({"occurred_at": "yesterday"}, "/occurred_at", "invalid_moment"),
        ({"properties": []}, "/properties", "not_an_object"),
        ({"amuont": 1}, "/amuont", "unknown_field"),
        ({"campaign": "cmp_1"}, "/campaign", "unknown_field"),
    ],
)
def test_what_is_wrong_is_named(
    change: dict[str, Any], pointer: str, code: str
) -> None:
    read = read_event(PLAIN | change)

    assert isinstance(read, list)
    assert [(fault.pointer, fault.code) for fault in read] == [(pointer, code)]


def test_all_that_is_wrong_is_told_at_once() -> None:
    read = read_event({"participant": {"emial": "ada@example.com"}})

    assert isinstance(read, list)
    assert {fault.pointer for fault in read} == {
        "/event_id",
        "/name",
        "/participant/emial",
    }
