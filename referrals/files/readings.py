"""A row of a file as what it describes, or what is wrong with it; whom it speaks of."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from referral_factory.errors import InvalidInput
from referrals.files.columns import Columns, Mapped
from referrals.files.faults import Flaw
from referrals.files.reading import Row
from referrals.mailboxes import canonical, clean
from referrals.rows import Fault
from referrals.services.events import Report
from referrals.services.locks import email_name, external_id_name
from referrals.services.participants import Person

MOST_FLAWS = 5  # of one row that are told
KEPT_CELL = 20_000  # characters of a cell of a bad row that are kept
TOKENS = re.compile(r'[^\t,;|"\r\n]+')
MOST_TOKENS = 200

ERASED = Flaw(
    "erased_since_upload",
    "Somebody of this name was erased after the file was uploaded, and is not brought "
    "back by it.",
)

Described = Person | Report
Did = Literal["created", "updated", "unchanged"]


class Kind(Protocol):
    """What the rows of a file are: people, or events."""

    columns: Columns

    def read(self, given: Mapping[str, Any]) -> Described | list[Fault]: ...

    def names(self, read: Described, mapping: Mapped) -> dict[str, str]:
        """Whom a good row speaks of; see Reading.names."""
        ...


@dataclass
class Reading:
    """One row, read."""

    number: int
    values: list[str]  # its cells, such as can be kept
    described: Described | None
    flaws: list[Flaw]
    # By the names that stand in it, see locks.names_of: the columns that they are in.
    # Under "" those without whom nothing is left of the row.
    names: dict[str, str] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)  # as the API would be given it
    did: Did = "unchanged"
    again: bool = False  # an earlier row was about the same

    @property
    def own_names(self) -> list[str]:
        return [name for name, column in self.names.items() if column == ""]

    @property
    def others_names(self) -> list[str]:
        return [name for name, column in self.names.items() if column]

    def leave_out(self, gone: Collection[str], header: Sequence[str]) -> None:
        """Nothing is kept of somebody who is gone, and nobody is enrolled by it."""
        found = self.names.keys() & gone
        if not found:
            return
        own = {column for name, column in self.names.items() if name in found}
        self.described, self.flaws, self.given = None, [ERASED], {}
        self.values = [] if "" in own else self._without(own, header)

    def _without(self, columns: Collection[str], header: Sequence[str]) -> list[str]:
        return [
            "" if column in columns else value
            for column, value in zip(header, self.values, strict=False)
        ]


def read_row(
    number: int, row: Row, header: Sequence[str], mapping: Mapped, kind: Kind
) -> Reading:
    kept = [storable(value) for value in row.values]
    if row.flaw:
        return Reading(number, kept, None, [row.flaw], _named_in(kept))
    if any(value.strip() for value in row.values[len(header) :]):
        flaw = Flaw(
            "too_many_cells",
            f"The row has {len(row.values)} cells, the header {len(header)}.",
        )
        return Reading(number, kept, None, [flaw], _named_in(kept))
    given = kind.columns.described(row.values, header, mapping)
    read = kind.read(given)
    if not isinstance(read, list):
        return Reading(number, kept, read, [], kind.names(read, mapping), given)
    column_of = kind.columns.column_of
    flaws = [Flaw(f.code, f.detail, column_of(f.pointer, mapping)) for f in read]
    return Reading(number, kept, None, flaws[:MOST_FLAWS], _named_in(kept), given)


def storable(text: str) -> str:
    """Text as the database takes it; what is bad about it the fault says."""
    text = text[:KEPT_CELL].replace("\x00", "\ufffd")
    return text.encode("utf-8", "replace").decode()


def _named_in(values: Sequence[str]) -> dict[str, str]:
    """Every name that might stand in a row that cannot be read."""
    names: dict[str, str] = {}
    for token in _tokens(values):
        names |= dict.fromkeys(names_in(token), "")
    return names


def _tokens(values: Sequence[str]) -> list[str]:
    tokens = [t.strip() for value in values for t in TOKENS.findall(value)]
    return [token for token in tokens if token][:MOST_TOKENS]


def names_in(text: str) -> Iterator[str]:
    """The names that a text may be: an external id always, a mailbox if it is one."""
    if len(text) <= 200:
        yield external_id_name(text)
    if "@" in text and len(text) <= 254:
        try:
            yield email_name(canonical(clean(text)))
        except InvalidInput:
            return
