"""Expressions, compiled: each is read once and asked many times."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cel

from referral_factory.expressions.faults import (
    BadExpression,
    CannotEvaluate,
    NotTruth,
    Place,
    WrongKinds,
    did_you_mean,
)
from referral_factory.expressions.functions import KNOWN, OWN, Misused
from referral_factory.expressions.guards import (
    Path,
    Reading,
    Variables,
    read_expression,
)
from referral_factory.expressions.values import (
    MISSING,
    find,
    kind_of,
    name_of,
    nearest,
    only_what_is_read,
    shown,
)

# What the evaluator may say of an expression and its values; else it is a bug.
FAULTS = (TypeError, LookupError, RuntimeError, ArithmeticError, ValueError)
PLAIN_FAULTS = (
    (ZeroDivisionError, "It divides by zero."),
    (OverflowError, "A number is too large to reckon with."),
    (IndexError, "A list has fewer items than it asks for."),
)
HINTS = {
    "timestamp": 'write a moment as timestamp("2026-01-31T12:00:00Z")',
    "int": "a whole number in digits",
    "double": "a number in digits",
}
PLACED = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")


@dataclass(frozen=True)
class Clause:
    """One part of a condition, of those that all have to be true."""

    text: str
    program: Any
    place: Place


@dataclass(frozen=True)
class Verdict:
    """Whether a condition holds, and the clause that decided where it does not."""

    holds: bool
    clause: str = ""


@dataclass(frozen=True)
class Expression:
    text: str
    reads: tuple[Path, ...]  # ("event", "amount"), ("event", "properties", "plan")
    names: tuple[tuple[str, Path], ...]  # the same, each with its name: "event.amount"
    loops: bool
    functions: dict[str, Any]
    program: Any
    clauses: tuple[Clause, ...]

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """Its value for these; raises CannotEvaluate, and says what is missing."""
        return self._run(self.program, self._context(values), values)

    def judge(self, values: Mapping[str, Any]) -> Verdict:
        """Whether all of its clauses are true, and if not, the first that is not.

        As && in CEL: where one clause is false, none has to be judged that cannot be.
        """
        context, stopped = self._context(values), None
        for clause in self.clauses:
            try:
                if not self._truth(clause, context, values):
                    return Verdict(False, clause.text)
            except CannotEvaluate as error:
                stopped = stopped or error
        if stopped:
            raise stopped
        return Verdict(True)

    def saw(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values that it reads, by their names, as an explanation keeps them."""
        seen = {}
        for name, path in self.names:
            value = find(values, path)
            if value is not MISSING:
                seen[name] = shown(value)
        return seen

    def _context(self, values: Mapping[str, Any]) -> Any:
        variables = only_what_is_read(values, self.reads, loops=self.loops)
        try:
            return cel.Context(variables, self.functions)
        except ValueError:
            raise CannotEvaluate(
                "A value is of a kind that rules can't read."
            ) from None

    def _run(self, program: Any, context: Any, values: Mapping[str, Any]) -> Any:
        try:
            return program.execute(context)
        except FAULTS as error:
            raise self._explained(error, values) from error

    def _truth(self, clause: Clause, context: Any, values: Mapping[str, Any]) -> bool:
        truth = self._run(clause.program, context, values)
        if isinstance(truth, bool):
            return truth
        detail = f"It gives {kind_of(truth)} instead of true or false: {clause.text}"
        raise NotTruth(detail)

    def _explained(self, error: Exception, values: Mapping[str, Any]) -> CannotEvaluate:
        if isinstance(error, KeyError):
            return CannotEvaluate(self._missing(str(error.args[0]), values))
        if isinstance(error, TypeError):
            kinds = self._kinds(values)
            return WrongKinds(f"The kinds of its values do not fit each other{kinds}.")
        for kind, detail in PLAIN_FAULTS:
            if isinstance(error, kind):
                return CannotEvaluate(detail)
        return WrongKinds(self._failed(str(error), values))

    def _missing(self, name: str, values: Mapping[str, Any]) -> str:
        """Which of the things that it reads lacks the field."""
        for path in self.reads:
            for end in range(1, len(path)):
                if path[end] == name and find(values, path[: end + 1]) is MISSING:
                    inside = find(values, path[:end])
                    known = inside if isinstance(inside, dict) else ()
                    hint = did_you_mean(name, known)
                    return f"{name_of(path[:end])} has no field {name}{hint}"
        return f"There is no field {name}."

    def _kinds(self, values: Mapping[str, Any]) -> str:
        found = dict(nearest(values, path) for path in self.reads)
        kinds = [f"{name_of(path)} is {kind_of(v)}" for path, v in found.items()]
        hint = ""
        if any(kind.endswith("decimals") for kind in kinds):
            hint = " (reckon with 2.0, not 2)"
        return f": {', '.join(kinds)}{hint}" if kinds else ""

    def _failed(self, said: str, values: Mapping[str, Any]) -> str:
        """A function that could not do with what it was given."""
        unset = re.match(r"Undefined variable or function: '(\w+)'", said)
        if unset and unset[1] not in KNOWN:
            return f"There is no {unset[1]}."
        own = re.search(rf"{Misused.__name__}: (.*?)\. Check", said)
        if own:
            return f"{own[1]}{self._kinds(values)}."
        named = unset or re.match(r"Function '(\w+)'", said)
        name = named[1] if named else "A function"
        hint = f" ({HINTS[name]})" if name in HINTS else ""
        return f"{name} cannot work on what it is given{self._kinds(values)}{hint}."


def compile_expression(text: str, *, variables: Variables) -> Expression:
    """Read an expression; raises BadExpression with the place and a hint.

    `variables` are the names that it may read, each with its fields; None where any
    field may be asked for, and the whole of it.
    """
    reading = read_expression(text, variables)
    program = _compiled(text)
    _refuse_what_was_read_otherwise(program, reading, variables)
    clauses = tuple(
        Clause(" ".join(part.split()), _compiled(part), Place.of(text, at))
        for at, part in reading.clauses
    )
    return Expression(
        text=text,
        reads=reading.reads,
        names=tuple((name_of(path), path) for path in reading.reads),
        loops=reading.loops,
        functions={name: OWN[name] for name in reading.calls if name in OWN},
        program=program,
        clauses=clauses,
    )


def _compiled(text: str) -> Any:
    try:
        return cel.compile(text)
    except ValueError as error:
        raise _parse_error(text, str(error)) from error


def _parse_error(text: str, said: str) -> BadExpression:
    """The parser's first complaint about the words, in plain ones."""
    complaints = PLACED.findall(said)
    wording = [found for found in complaints if "Syntax error" in found[2]]
    found = (wording or complaints or [("1", "1", said)])[0]
    line, column, detail = int(found[0]), int(found[1]), found[2]
    place = Place(line, column)
    if "<EOF>" in detail:
        return BadExpression("It ends too early.", place)
    unexpected = re.search(r"(?:input|at input) '(.+?)'", detail)
    if unexpected:
        return BadExpression(f"Unexpected {unexpected[1]!r}.", place)
    return BadExpression(f"{detail.strip().rstrip('.').capitalize()}.", place)


def _refuse_what_was_read_otherwise(
    program: Any, reading: Reading, variables: Variables
) -> None:
    """Guards and the parser read the same text: they have to agree on its names."""
    named = {path[0] for path in reading.reads} | set(reading.bound)
    strange = set(program.variables()) - named
    called = {name for name in program.functions() if name.isidentifier()}
    strange |= called - reading.calls
    if strange:
        names = ", ".join(sorted(strange))
        raise BadExpression(f"It cannot be told what {names} stands for.")
