"""What an expression is given: only what it reads, as the evaluator knows it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from referral_factory.expressions.faults import CannotEvaluate
from referral_factory.expressions.guards import LONGEST_LIST, MOST_DIGITS, Path

LONGEST_TEXT = 10_000
LONGEST_TEXT_IN_A_LOOP = 2_000
MOST_VALUES = 10_000  # in a list or an object that is read whole
MOST_VALUES_IN_A_LOOP = 2_000
DEEPEST_VALUE = 32
LONGEST_SHOWN = 200
MISSING = object()
AS_THEY_ARE = frozenset([bool, int, float, datetime])


def find(values: Mapping[str, Any], path: Path) -> Any:
    """What is at the path; MISSING where there is nothing."""
    found: Any = values
    for name in path:
        if not isinstance(found, dict) or name not in found:
            return MISSING
        found = found[name]
    return found


def nearest(values: Mapping[str, Any], path: Path) -> tuple[Path, Any]:
    """The path as far as there is something, and what is there."""
    found: Any = values
    for end, name in enumerate(path):
        if not isinstance(found, dict) or name not in found:
            return path[:end], found
        found = found[name]
    return path, found


def only_what_is_read(
    values: Mapping[str, Any], reads: Iterable[Path], *, loops: bool
) -> dict[str, Any]:
    """A copy of the values along these paths; what is missing stays missing."""
    context: dict[str, Any] = {}
    for path in reads:
        _copy(values, context, path, loops)
    return context


def _copy(source: Any, target: dict[str, Any], path: Path, loops: bool) -> None:
    last = len(path) - 1
    for depth, name in enumerate(path):
        if name not in source:
            return
        source = source[name]
        if depth == last or not isinstance(source, dict):
            target[name] = _fit(source, path, loops)
            return
        target = target.setdefault(name, {})


def _fit(value: Any, path: Path, loops: bool) -> Any:
    if type(value) in AS_THEY_ARE:
        return value
    if isinstance(value, dict | list | tuple):
        return _Whole(path, loops).fit(value, 0)
    return _fit_one(value, path, loops)


def _fit_one(value: Any, path: Path, loops: bool) -> Any:
    if isinstance(value, Decimal):
        return _exact(value, path)
    if isinstance(value, str):
        longest = LONGEST_TEXT_IN_A_LOOP if loops else LONGEST_TEXT
        if len(value) > longest:
            raise CannotEvaluate(
                f"{name_of(path)} is longer than {longest} characters."
            )
    return value


def _exact(amount: Decimal, path: Path) -> float:
    """The nearest number; no other amount of so few digits has the same."""
    if amount.adjusted() > MOST_DIGITS - 5 and _digits(amount) > MOST_DIGITS:
        raise CannotEvaluate(
            f"{name_of(path)} has more than {MOST_DIGITS} digits: "
            "it cannot be compared exactly."
        )
    return float(amount)


def _digits(amount: Decimal) -> int:
    return len(amount.normalize().as_tuple().digits)


class _Whole:
    """A list or an object that is read whole: copied within limits."""

    def __init__(self, path: Path, loops: bool) -> None:
        self.path = path
        self.loops = loops
        self.longest = LONGEST_LIST if loops else MOST_VALUES
        self.left = MOST_VALUES_IN_A_LOOP if loops else MOST_VALUES

    def fit(self, value: Any, depth: int) -> Any:
        self.left -= 1
        if not isinstance(value, dict | list | tuple):
            return _fit_one(value, self.path, self.loops)
        if len(value) > self.longest:
            detail = f"{name_of(self.path)} has a list of more than {self.longest}."
            raise CannotEvaluate(detail)
        if self.left < len(value) or depth > DEEPEST_VALUE:
            raise CannotEvaluate(f"{name_of(self.path)} holds too much to be read.")
        if isinstance(value, dict):
            return {key: self.fit(item, depth + 1) for key, item in value.items()}
        return [self.fit(item, depth + 1) for item in value]


def name_of(path: Path) -> str:
    return ".".join(path)


def shown(value: Any) -> Any:
    """A value as an explanation keeps it: plain JSON, and not much of it."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST_SHOWN else value[:LONGEST_SHOWN] + "…"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        moment = value if value.tzinfo is UTC else value.astimezone(UTC)
        return moment.isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return value


def kind_of(value: Any) -> str:
    """The kind of a value in plain words, for somebody who mixed two of them."""
    for kinds, word in KINDS:
        if isinstance(value, kinds):
            return word
    return "nothing" if value is None else type(value).__name__


KINDS: tuple[tuple[Any, str], ...] = (
    (bool, "true or false"),
    (int, "a whole number"),
    ((float, Decimal), "a number with decimals"),
    (str, "a text"),
    (datetime, "a moment"),
    (dict, "an object"),
    ((list, tuple), "a list"),
)
