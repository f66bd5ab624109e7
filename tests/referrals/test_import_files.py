"""Reading files, without a database: wherever they are cut, the rows are the same."""

import csv
import io
from collections.abc import Iterator

import pytest

from referral_factory.spreadsheets import plain, safe
from referrals.files.events import Events
from referrals.files.incoming import Incoming
from referrals.files.layout import Layout, layout_of
from referrals.files.people import People
from referrals.files.reading import Rows

TABLE = [
    ["email", "name", "note"],
    ["zoë@shop.example", "Zoë \U0001f680", 'two\r\nlines, and a quote: "'],
    ["ann@shop.example", "Ann; Lee", ""],
    ["", "", ""],
    ["bob@shop.example", "Bob|Bo\tb", "last"],
]


def written(delimiter: str = ",", end: str = "\r\n") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(TABLE)
    return text.getvalue()


def taken_in(body: bytes, size: int) -> tuple[bytes, Layout]:
    """As it is kept, when it arrives in pieces of a size; the first is never tiny."""
    incoming = Incoming()
    kept = b"".join(incoming.take(piece) for piece in _cut(body, size))
    kept += incoming.end()
    return kept, layout_of(incoming.head, incoming.encoding, People.columns, whole=True)


def _cut(body: bytes, size: int) -> Iterator[bytes]:
    yield body[:8]
    for start in range(8, len(body), size):
        yield body[start : start + size]


def read(kept: bytes, layout: Layout, start: int = 0, size: int = 1) -> list[list[str]]:
    pieces = [kept[n : n + size] for n in range(start, len(kept), size)]
    rows = Rows(
        pieces, start=start, encoding=layout.encoding, delimiter=layout.delimiter
    )
    return [row.values for row in rows]


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"]
FULL = [row for row in TABLE if any(row)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_file_is_the_same_however_it_arrives(
    encoding: str, delimiter: str, size: int
) -> None:
    text = written(delimiter).replace(
        "\U0001f680", "x" if encoding == "cp1252" else "y"
    )
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""

    kept, layout = taken_in(mark + text.encode(encoding), size)

    assert layout.delimiter == delimiter
    assert layout.encoding == ("cp1252" if encoding == "cp1252" else "utf-8")
    found = read(kept, layout, size=size)
    assert found[0] == TABLE[0]
    assert [row[0] for row in found] == [row[0] for row in FULL]
    assert found[1][2] == TABLE[1][2]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_ends_a_line(end: str) -> None:
    kept, layout = taken_in(written(end=end).encode(), 5)

    assert [row[0] for row in read(kept, layout)] == [row[0] for row in FULL]


def test_reading_goes_on_after_any_row() -> None:
    kept, layout = taken_in(written().encode(), 9)
    rows = list(
        Rows([kept], start=0, encoding=layout.encoding, delimiter=layout.delimiter)
    )

    for number, row in enumerate(rows, start=1):
        rest = [values for values in read(kept, layout, row.end) if any(values)]
        assert rest == [each.values for each in rows[number:]]


@pytest.mark.parametrize("hint", ["sep=;\r\n", '"sep=;"\r\n', "SEP=;\r\n"])
def test_excels_hint_is_no_header(hint: str) -> None:
    _, layout = taken_in((hint + "E-Mail;Name\r\nann@x.example;Ann\r\n").encode(), 50)

    assert (layout.delimiter, layout.header) == (";", ["E-Mail", "Name"])


def test_columns_without_a_name_or_with_the_same_get_one() -> None:
    _, layout = taken_in(b"email,,name,name\na@x.example,,b,c\n", 50)

    assert layout.header == ["email", "column 2", "name", "name (2)"]


GUESSES = {
    "E-Mail": "email",
    "email address": "email",
    "EMAIL_ADDRESS": "email",
    "Customer ID": "external_id",
    "external_id": "external_id",
    "ID": "external_id",
    "Full Name": "name",
    "customer since": "customer_since",
    "referred_by.email": "referred_by.email",
    "Referral code": "referred_by.code",
    "attributes.plan": "attributes.plan",
}


@pytest.mark.parametrize(("column", "field"), GUESSES.items())
def test_names_of_columns_are_known_in_several_spellings(
    column: str, field: str
) -> None:
    guessed = People.columns.guessed([column, "Something else"])

    assert guessed == {column: field}


def test_the_better_of_two_names_wins() -> None:
    header = ["id", "Customer ID", "Name", "First name", "row", "code"]

    guessed = People.columns.guessed(header)

    assert guessed == {"Customer ID": "external_id", "Name": "name"}


ORDERS = {
    "Order ID": "event_id",
    "ID": "event_id",
    "Event": "name",
    "Customer ID": "participant.external_id",
    "E-Mail": "participant.email",
    "Order date": "occurred_at",
    "Total": "amount",
    "Currency code": "currency",
    "Refund of": "reverses",
    "properties.sku": "properties.sku",
}


@pytest.mark.parametrize(("column", "field"), ORDERS.items())
def test_columns_of_events_are_known_too(column: str, field: str) -> None:
    assert Events.columns.guessed([column, "Something else"]) == {column: field}


CELLS = ["", "a", "=1", "'=1", "''=1", "'a", " =1", "-", "+1", "@a", "\t", "\uff1d1"]


@pytest.mark.parametrize("cell", CELLS)
def test_what_is_made_safe_comes_back_as_it_was(cell: str) -> None:
    assert plain(safe(cell)) == cell
    assert not safe(cell).lstrip().startswith(("=", "+", "-", "@", "\uff1d"))
