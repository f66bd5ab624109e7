"""Bytes of a file as they arrive: what they are written in, and whether they are text.

What is kept is a form in which a line break is always a byte of its own: UTF-16 becomes
UTF-8 on the way in, everything else stays as it came.
"""

import codecs

from referrals.files.faults import BadFile

UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
UTF8, WINDOWS = "utf-8", "cp1252"
LOOKED_AT = 64 * 1024  # bytes at the beginning that are looked at closely

BINARY = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "a gzip archive",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"{\\rtf": "a text document",
}
EMPTY = ("empty_file", "The file is empty.")
MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<table")


class Incoming:
    """Takes the pieces of a file in their order; the first has its beginning."""

    def __init__(self) -> None:
        self.size = 0  # of what is kept
        self.head = b""
        self._began = False
        self._wide: codecs.IncrementalDecoder | None = None
        self._narrow = codecs.getincrementaldecoder(UTF8)("surrogateescape")
        self._valid = self._invalid = 0  # characters beyond ASCII; bytes of none

    def take(self, data: bytes) -> bytes:
        if not self._began and data:
            self._began = True
            data = self._begin(data)
        if self._wide:
            data = self._wide.decode(data).encode(UTF8, "surrogatepass")
        else:
            self._count(self._narrow.decode(data))
        return self._kept(data)

    def end(self) -> bytes:
        """What is still to be kept; BadFile where there was nothing in the file."""
        rest = b""
        if self._wide and self._wide.getstate()[0]:
            rest = b"\xff"  # half of a character: its row will say so
        if not self._wide:
            self._count(self._narrow.decode(b"", final=True))
        kept = self._kept(rest)
        if not self.head.lstrip(b"\xef\xbb\xbf").strip():
            raise BadFile(*EMPTY)
        return kept

    @property
    def encoding(self) -> str:
        """Certain for UTF-8 and UTF-16; anything else is taken for Windows-1252.

        A few bytes that are not UTF-8 in a file that otherwise is make faults in their
        rows; a file in which they are the rule was never UTF-8.
        """
        return WINDOWS if self._invalid > self._valid else UTF8

    def _begin(self, data: bytes) -> bytes:
        for mark, name in UTF16.items():
            if data.startswith(mark):
                self._wide = codecs.getincrementaldecoder(name)("surrogatepass")
                return data[len(mark) :]
        refuse_unless_text(data[:LOOKED_AT])
        return data

    def _count(self, text: str) -> None:
        if text.isascii():
            return
        valid = len(text.encode(UTF8, "ignore").decode(UTF8))
        self._invalid += len(text) - valid
        self._valid += valid - len(text.encode("ascii", "ignore"))

    def _kept(self, data: bytes) -> bytes:
        self.size += len(data)
        if len(self.head) < LOOKED_AT:
            self.head += data[: LOOKED_AT - len(self.head)]
        return data


def refuse_unless_text(beginning: bytes) -> None:
    for magic, kind in BINARY.items():
        if beginning.startswith(magic):
            raise _not_csv(f"This is {kind}, not a CSV file: export it as CSV first.")
    bare = beginning.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if bare.startswith(MARKUP):
        raise _not_csv("This is a web page or XML, not a CSV file.")
    if bare.startswith((b"{", b"[")):
        raise _not_csv("This is JSON, not CSV: send it to POST /participants/bulk.")
    if b"\x00" in beginning:
        raise _not_csv("There are NUL bytes in it: this is not a text file.")


def _not_csv(message: str) -> BadFile:
    return BadFile("not_csv", message)
