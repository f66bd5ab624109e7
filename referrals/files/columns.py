"""What the columns of a file mean: guessed from their names, or said by people."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from referral_factory.spreadsheets import plain
from referrals.files.faults import BadFile

LONGEST_KEY = 100  # of what stands behind an open group: attributes.plan

Mapped = Mapping[str, str]  # column of the file -> field of what its rows are


@dataclass(frozen=True)
class Columns:
    """The columns that files of one kind may have, and how rows are made of them."""

    # Each field with the names that columns for it go by, letters and digits only.
    # Where several columns fit, the spelling that stands first wins.
    spellings: Mapping[str, tuple[str, ...]]
    open_group: str  # "attributes.": whatever stands behind it is a field, too
    is_usable: Callable[[Mapped], bool]
    unusable: str  # what to say where it is not
    groups: tuple[str, ...]  # fields of what stands within an object of its own
    # How a cell of a field becomes what the API would be given.
    reads: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    settle: Callable[[dict[str, Any]], None] = lambda given: None
    # Fields that an error of another one may be about: {"name": ("first_name", ...)}.
    stands_for: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def guessed(self, header: Sequence[str]) -> dict[str, str]:
        """What the columns seem to mean, without those that say nothing to us."""
        plain = {column: re.sub(r"[\W_]", "", column.casefold()) for column in header}
        mapping = {column: column for column in header if self.is_open(column)}
        for name, spellings in self.spellings.items():
            fitting = [c for c in header if plain[c] in spellings and c not in mapping]
            if fitting:
                best = min(fitting, key=lambda c: spellings.index(plain[c]))
                mapping[best] = name
        spoken_for = {
            part
            for whole, parts in self.stands_for.items()
            if whole in mapping.values()
            for part in parts
        }
        return {c: f for c, f in mapping.items() if f not in spoken_for}

    def is_open(self, name: str) -> bool:
        key = name.removeprefix(self.open_group)
        return name.startswith(self.open_group) and 0 < len(key) <= LONGEST_KEY

    def checked(self, mapping: Mapped, header: Sequence[str]) -> dict[str, str]:
        """A mapping that somebody gave; BadFile where it does not fit the file."""
        for column, name in mapping.items():
            if column not in header:
                there = ", ".join(header[:20])
                message = f"The file has no column {column[:100]!r}. It has: {there}."
                raise BadFile("missing_column", message[:500], "/mapping")
            if name not in self.spellings and not self.is_open(name):
                known = ", ".join([*self.spellings, f"{self.open_group}<key>"])
                message = f"There is no field {name[:100]!r}. There are: {known}."
                raise BadFile("unknown_field", message, "/mapping")
        names = list(mapping.values())
        if twice := next((name for name in names if names.count(name) > 1), None):
            message = f"Two columns are mapped to {twice[:100]!r}."
            raise BadFile("mapped_twice", message, "/mapping")
        return dict(mapping)

    def refuse_unusable(self, mapping: Mapped) -> None:
        if not self.is_usable(mapping):
            raise BadFile("no_usable_column", self.unusable, "/mapping")

    def described(
        self, values: Sequence[str], header: Sequence[str], mapping: Mapped
    ) -> dict[str, Any]:
        """A row as the API would be given it: empty cells are left out."""
        given: dict[str, Any] = {}
        for column, value in zip(header, values, strict=False):
            name, text = mapping.get(column), plain(value).strip()
            if name and text:
                self._put(given, name, text)
        self.settle(given)
        return given

    def _put(self, given: dict[str, Any], name: str, text: str) -> None:
        for group in self.groups:
            if name.startswith(group):
                inner = given.setdefault(group.rstrip("."), {})
                inner[name.removeprefix(group)] = text
                return
        given[name] = self.reads.get(name, str)(text)

    def column_of(self, pointer: str, mapping: Mapped) -> str:
        """The column that a pointer into a described row leads to; "" for none."""
        name = pointer.strip("/").replace("/", ".")
        name = name.replace("~1", "/").replace("~0", "~")
        by_field = {each: column for column, each in mapping.items()}
        names = (name, *self.stands_for.get(name, ()))
        return next((by_field[each] for each in names if each in by_field), "")


def as_moment(text: str) -> str:
    """Days and times without an offset, as spreadsheets write them, are in UTC."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return f"{text}T00:00:00Z"
    if re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?", text, re.ASCII):
        return f"{text[:10]}T{text[11:]}{'' if len(text) > 16 else ':00'}Z"
    return text
