"""Rows of a CSV file, one after the other, and where each of them ends.

Reading can stop after any row and go on from there later, in another process. Memory
is bounded by the longest row, whatever the file is.
"""

import codecs
import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from referrals.files.faults import BadFile, Flaw

LONGEST_ROW = 1024 * 1024  # bytes
LONGEST_CELL = 128 * 1024  # characters; Python's own reader stops there
BLANK = frozenset({""})

csv.field_size_limit(LONGEST_CELL)


@dataclass(frozen=True)
class Row:
    values: list[str]
    end: int  # bytes from the start of the file to the next row
    flaw: Flaw | None = None


class Rows(Iterator[Row]):
    """The rows of a file from `start` on, which is where one begins.

    A mistake that concerns one line is a flaw of its row. One that runs on over lines
    is a BadFile: nobody can say where the next row begins.
    """

    def __init__(
        self, pieces: Iterable[bytes], *, start: int, encoding: str, delimiter: str
    ) -> None:
        self.end = start
        self._encoding = encoding
        self._began, self._lines, self._damaged, self._text = start, 0, False, ""
        self._reader = csv.reader(
            self._decoded(_lines(pieces)), delimiter=delimiter, strict=True
        )

    def __next__(self) -> Row:
        """The next row; lines with nothing in them are passed over."""
        while True:
            self._began, self._lines, self._damaged = self.end, 0, False
            try:
                values = next(self._reader)
            except csv.Error as error:
                return Row([self._text[:10_000]], self.end, self._flaw(str(error)))
            if self._damaged:
                return Row(values, self.end, UNDECODABLE)
            if not BLANK.issuperset(values):
                return Row(values, self.end)

    def _decoded(self, lines: Iterator[bytes]) -> Iterator[str]:
        for line in lines:
            text = line
            if not self.end:
                text = line.removeprefix(codecs.BOM_UTF8)
            self.end += len(line)
            if self.end - self._began > LONGEST_ROW:  # quoted cells go over many lines
                raise TOO_LONG
            self._lines += 1
            yield self._decode(text)

    def _decode(self, line: bytes) -> str:
        try:
            self._text = line.decode(self._encoding)
        except UnicodeDecodeError:
            self._damaged = True
            self._text = line.decode(self._encoding, "replace")
        return self._text

    def _flaw(self, error: str) -> Flaw:
        code, detail = _explained(error)
        if self._lines > 1:
            raise BadFile(
                "unclosed_quote",
                "A quote is opened there and not closed properly: what follows "
                f"cannot be told apart. {detail}",
            )
        return Flaw(code, detail)


TOO_LONG = BadFile("row_too_long", "There is a row of more than 1 MB.")
UNDECODABLE = Flaw(
    "wrong_encoding",
    "There are bytes in this row that are no characters in the file's encoding.",
)


def _explained(error: str) -> tuple[str, str]:
    if "field larger" in error:
        return "cell_too_long", "A cell is longer than 128 KB."
    if "unexpected end" in error:
        return "unclosed_quote", "A quote is opened and never closed."
    return "broken_quotes", 'A quote within a quoted cell must be doubled: "".'


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Lines with their ends: LF, CRLF or CR, wherever the pieces were cut."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).splitlines(keepends=True) or [b""]
        # The last may go on in the next piece, even if it ends here: CR, then LF.
        if rest.endswith(b"\n"):
            whole, rest = [*whole, rest], b""
        if len(rest) > LONGEST_ROW:
            raise TOO_LONG
        yield from whole
    if rest:
        yield rest
