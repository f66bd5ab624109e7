"""How a file is laid out: its delimiter and its header, found out from its start."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from referrals.files.columns import Columns
from referrals.files.faults import BadFile
from referrals.files.reading import Row, Rows

DELIMITERS = (",", ";", "\t", "|")
TRIED_ROWS = 20
MOST_COLUMNS = 1_000
LONGEST_NAME = 100
# What Excel writes, and reads, as the first line of a file: sep=;
EXCEL_HINT = re.compile(r"sep=(.)", re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    encoding: str
    delimiter: str
    header: list[str]


def layout_of(
    beginning: bytes, encoding: str, columns: Columns, *, whole: bool
) -> Layout:
    """BadFile where there is no header to be found. `whole`: it is all of the file."""
    if not whole:  # not to judge a row that was cut off
        beginning = beginning[: max(map(beginning.rfind, (b"\n", b"\r"))) + 1]
    tried = {each: _first_rows(beginning, encoding, each) for each in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda each: _fit(tried[each], columns))
    rows = [row for row in tried[delimiter] if not is_hint(row.values)]
    if not rows or any('"' in cell for cell in rows[0].values):
        raise BadFile("no_header", "The first row, with the names, cannot be read.")
    if flaw := rows[0].flaw:
        raise BadFile(flaw.code, f"The first row, with the names: {flaw.detail}")
    header = named(rows[0].values)
    _refuse_data(rows[0].values, header, columns)
    return Layout(encoding, delimiter, header)


def is_hint(values: Sequence[str]) -> bool:
    return bool(EXCEL_HINT.fullmatch("".join(values).strip())) or (
        len(values) == 2 and not values[1] and values[0].lower() == "sep="
    )


def named(cells: Sequence[str]) -> list[str]:
    """A name for each column: one without a name gets its number, a second one too."""
    if len(cells) > MOST_COLUMNS:
        raise BadFile("no_header", f"The file has more than {MOST_COLUMNS} columns.")
    seen: Counter[str] = Counter()
    names = []
    for number, cell in enumerate(cells, start=1):
        name = _clean(cell)[:LONGEST_NAME] or f"column {number}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def _clean(cell: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in cell).split())


def _first_rows(beginning: bytes, encoding: str, delimiter: str) -> list[Row]:
    rows = Rows([beginning], start=0, encoding=encoding, delimiter=delimiter)
    return list(islice(_until_bad(rows), TRIED_ROWS))


def _until_bad(rows: Iterator[Row]) -> Iterator[Row]:
    try:
        yield from rows
    except BadFile:
        return


def _fit(rows: list[Row], columns: Columns) -> tuple[int, float, int]:
    """How well a delimiter fits: names that are known, rows as wide as the header."""
    rows = [row for row in rows if not is_hint(row.values)]
    if not rows:
        return (-1, 0, 0)
    width = len(rows[0].values)
    alike = sum(len(row.values) == width for row in rows) / len(rows)
    return (len(columns.guessed(named(rows[0].values[:MOST_COLUMNS]))), alike, width)


def _refuse_data(cells: Sequence[str], header: list[str], columns: Columns) -> None:
    """A first row that already is somebody's is no header."""
    if not columns.guessed(header) and any("@" in cell for cell in cells):
        raise BadFile(
            "no_header",
            "The first row must name the columns, and this one looks like a person.",
        )
