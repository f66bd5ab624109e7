"""What is wrong with an expression, where, and what to write instead."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Self


@dataclass(frozen=True)
class Place:
    """Where in the text, counted from 1 as editors do."""

    line: int
    column: int

    @classmethod
    def of(cls, text: str, offset: int) -> Self:
        before = text[:offset]
        return cls(before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class BadExpression(Exception):
    """An expression that is refused when it is saved."""

    def __init__(self, detail: str, place: Place | None = None) -> None:
        self.detail = detail
        self.place = place or Place(1, 1)
        super().__init__(f"{detail} ({self.place})")


class CannotEvaluate(Exception):
    """An expression that is right in itself, and has no value for these facts."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)


class WrongKinds(CannotEvaluate):
    """Its values are of kinds that it cannot work on."""


class NotTruth(WrongKinds):
    """A condition that is no yes or no."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence: what somebody may have wanted to write, if anything."""
    close = get_close_matches(word.lower(), {name.lower(): name for name in known}, 1)
    names = {name.lower(): name for name in known}
    return f"; did you mean {names[close[0]]}?" if close else "."
