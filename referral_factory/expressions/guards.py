"""What an expression may be: its size, its names, its functions, its loops.

Told from its words, before the evaluator sees it. Each limit is there because of what
happens without: a hundred nested brackets end the process on a small stack, two loops
within each other hold it for minutes, and texts added to each other fill the memory.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import cel

from referral_factory.expressions.faults import BadExpression, Place, did_you_mean
from referral_factory.expressions.functions import KNOWN, MACROS
from referral_factory.expressions.tokens import Token, read_tokens

LONGEST = 2000  # characters
MOST_WORDS = 500
DEEPEST = 20  # brackets within brackets
LONGEST_LIST = 200
MOST_ADDITIONS = 20  # each could make a text longer
LONGEST_PATTERN = 200
MOST_REPEATS = 1000  # that a pattern counts, multiplied
# The engine makes a pattern ready each time that it is asked, and refuses what takes it
# more than 10 MB, which is a tenth of a second. So all patterns of an expression have
# to fit that many times over: more where a loop asks again and again.
ROOM, ROOM_IN_A_LOOP = 10, 100
MOST_DIGITS = 15  # of a number that is compared exactly
KEYWORDS = frozenset(["true", "false", "null", "in"])
SIGNS = {"and": "&&", "or": "||", "not": "!", "is": "=="}  # as other languages say
MATCH = cel.compile("''.matches(pattern)")
CLOSES = {"(": ")", "[": "]", "{": "}"}

Variables = Mapping[str, Collection[str] | None]
Path = tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """What an expression reads, and where it could be parted."""

    reads: tuple[Path, ...]
    calls: frozenset[str]
    loops: bool
    bound: tuple[str, ...]  # the name of each item of its loop
    clauses: tuple[tuple[int, str], ...]  # what its outermost && joins, and where


def read_expression(text: str, variables: Variables) -> Reading:
    """Refuse what may not be; say what it reads."""
    if len(text) > LONGEST:
        detail = f"It has {len(text)} characters; at most {LONGEST} are taken."
        raise BadExpression(detail, Place.of(text, LONGEST))
    return _Reader(text, variables).read()


class _Reader:
    def __init__(self, text: str, variables: Variables) -> None:
        self.text = text
        self.variables = variables
        self.tokens = read_tokens(text)
        self.reads: dict[Path, None] = {}
        self.calls: set[str] = set()
        self.patterns: dict[int, str] = {}  # by their words
        self.bound = ""  # the name that a loop gives to each item,
        self.bound_until = -1  # and the word that ends the loop

    def read(self) -> Reading:
        self._refuse_sizes()
        self._refuse_depth()
        for at, token in enumerate(self.tokens):
            self._read_one(at, token)
        self._refuse_slow_patterns()
        reads = tuple(path for path in self.reads if not self._within_another(path))
        loops = bool(self.calls & MACROS)
        bound = (self.bound,) if self.bound else ()
        return Reading(reads, frozenset(self.calls), loops, bound, self._clauses())

    def _read_one(self, at: int, token: Token) -> None:
        if token.kind == "number":
            self._refuse_inexact(at)
        elif token.kind == "name" and self._sign(at + 1) == "{":
            raise self._refuse(at, f"There is no type {token.text}.")
        elif token.text == "." and not self._ends_a_value(at - 1):
            raise self._refuse(at, "A dot comes after what it looks into.")
        elif token.kind == "name" and self._sign(at + 1) == "(":
            self._read_call(at)
        elif token.kind == "name" and self._sign(at - 1) != ".":
            self._read_variable(at)

    def _refuse(self, at: int, detail: str) -> BadExpression:
        """At the word of that number, or at the end."""
        words = self.tokens
        offset = words[at].at if at < len(words) else len(self.text)
        return BadExpression(detail, Place.of(self.text, offset))

    def _sign(self, at: int) -> str:
        """The sign there; nothing where there is none, or a word of another kind."""
        if not 0 <= at < len(self.tokens):
            return ""
        token = self.tokens[at]
        return token.text if token.kind == "sign" else ""

    def _ends_a_value(self, at: int) -> bool:
        if at < 0:
            return False
        token = self.tokens[at]
        return token.kind in {"name", "text"} or token.text in CLOSES.values()

    def _refuse_sizes(self) -> None:
        if not self.tokens:
            raise BadExpression("There is no expression.")
        if len(self.tokens) > MOST_WORDS:
            raise self._refuse(
                MOST_WORDS, f"It has more than {MOST_WORDS} words and signs."
            )
        plus = [n for n, token in enumerate(self.tokens) if token.text == "+"]
        if len(plus) > MOST_ADDITIONS:
            detail = f"It adds more than {MOST_ADDITIONS} times."
            raise self._refuse(plus[MOST_ADDITIONS], detail)

    def _refuse_depth(self) -> None:
        """Too many brackets within each other, and lists that are too long."""
        open_: list[list[int]] = []  # for each: its commas
        for at, token in enumerate(self.tokens):
            sign = token.text if token.kind == "sign" else ""
            if sign in CLOSES:
                open_.append([])
            elif sign in CLOSES.values() and open_:
                open_.pop()
            elif sign == "," and open_:
                open_[-1].append(at)
                if len(open_[-1]) >= LONGEST_LIST:
                    detail = f"A list has at most {LONGEST_LIST} items."
                    raise self._refuse(at, detail)
            if len(open_) > DEEPEST:
                raise self._refuse(at, f"Brackets are nested deeper than {DEEPEST}.")

    def _refuse_inexact(self, at: int) -> None:
        number = self.tokens[at].text.lower()
        digits = re.sub(r"e.*|\D", "", number).strip("0")
        if not number.startswith("0x") and len(digits) > MOST_DIGITS:
            detail = f"Numbers are compared exactly up to {MOST_DIGITS} digits."
            raise self._refuse(at, detail)

    def _read_call(self, at: int) -> None:
        name = self.tokens[at].text
        if name not in KNOWN:
            hint = did_you_mean(name, KNOWN)
            raise self._refuse(at, f"There is no function {name}{hint}")
        if name in MACROS:
            self._read_loop(at)
        elif name == "matches":
            self._refuse_pattern(at)
        elif name == "duration":
            self._refuse_duration(at)
        self.calls.add(name)

    def _read_loop(self, at: int) -> None:
        if self.calls & MACROS:
            detail = f"One of {', '.join(sorted(MACROS))} is enough in an expression."
            raise self._refuse(at, detail)
        if self._sign(at - 1) != ".":
            raise self._refuse(at, "Say what it goes through: list.exists(x, …).")
        first = self.tokens[at + 2] if at + 2 < len(self.tokens) else None
        if not first or first.kind != "name" or self._sign(at + 3) != ",":
            raise self._refuse(at + 2, "Name each item first: list.exists(x, …).")
        if first.text in self.variables:
            raise self._refuse(at + 2, f"The name {first.text} is taken.")
        self.bound, self.bound_until = first.text, self._end_of_call(at + 1)

    def _end_of_call(self, at: int) -> int:
        depth = 0
        for n in range(at, len(self.tokens)):
            depth += self._sign(n) in CLOSES
            depth -= self._sign(n) in CLOSES.values()
            if not depth:
                return n
        return len(self.tokens)

    def _only_text(self, at: int) -> str | None:
        """What a call is given, where that is one text and nothing else."""
        inner = self.tokens[at + 2] if at + 2 < len(self.tokens) else None
        if inner is None or self._sign(at + 3) != ")":
            return None
        return inner.meaning

    def _refuse_pattern(self, at: int) -> None:
        pattern = self._only_text(at)
        if self._sign(at - 1) != "." or pattern is None:
            raise self._refuse(at, 'Write it as field.matches("pattern").')
        if len(pattern) > LONGEST_PATTERN:
            detail = f"A pattern has at most {LONGEST_PATTERN} characters."
            raise self._refuse(at + 2, detail)
        repeats = 1
        for counted in re.findall(r"\{([\d,\s]+)\}", pattern):
            numbers = [int(n) for n in re.findall(r"\d+", counted)] or [1]
            repeats *= max(1, *numbers)
        if repeats > MOST_REPEATS:
            raise self._refuse(at + 2, "The pattern repeats too much.")
        if not _can_match(pattern):
            raise self._refuse(at + 2, "The pattern is not one that can be matched.")
        self.patterns[at + 2] = pattern

    def _refuse_slow_patterns(self) -> None:
        room = ROOM_IN_A_LOOP if self.calls & MACROS else ROOM
        room *= len(self.patterns)
        for at, pattern in self.patterns.items():
            if not _can_match(f"(?:{pattern}){{{room}}}"):
                detail = (
                    "The pattern takes long: count less, and write [0-9A-Za-z_] for"
                    r" \w, [0-9] for \d and [A-Za-z] for \pL."
                )
                raise self._refuse(at, detail)

    def _refuse_duration(self, at: int) -> None:
        length = self._only_text(at)
        if length is None or not re.fullmatch(
            r"-?(\d{1,7}(\.\d+)?(h|m|s|ms))+", length
        ):
            detail = 'Write it as duration("36h"), with h, m, s or ms.'
            raise self._refuse(at, detail)

    def _read_variable(self, at: int) -> None:
        name = self.tokens[at].text
        if name in KEYWORDS or (name == self.bound and at < self.bound_until):
            return
        if name not in self.variables:
            raise self._refuse(at, f"There is no {name}{self._meant(name)}")
        path = self._path(at)
        fields = self.variables[name]
        if fields is not None:
            self._refuse_unknown_field(at, path, fields)
        self.reads[path] = None

    def _meant(self, name: str) -> str:
        """A field that was named without what it is a field of, or a similar name."""
        if sign := SIGNS.get(name.lower()):
            return f"; write {sign} instead."
        owners = [
            f"{variable}.{name}"
            for variable, fields in self.variables.items()
            if fields and name in fields
        ]
        if owners:
            return f"; did you mean {' or '.join(owners)}?"
        return did_you_mean(name, self.variables)

    def _path(self, at: int) -> Path:
        """The names from a variable inwards, as far as the text says them."""
        path = [self.tokens[at].text]
        while True:
            step = self._field(at + 1) or self._key(at + 1)
            if step is None:
                return tuple(path)
            name, width = step
            path.append(name)
            at += width

    def _field(self, at: int) -> tuple[str, int] | None:
        named = at + 1 < len(self.tokens) and self.tokens[at + 1].kind == "name"
        if self._sign(at) != "." or not named or self._sign(at + 2) == "(":
            return None
        return self.tokens[at + 1].text, 2

    def _key(self, at: int) -> tuple[str, int] | None:
        if self._sign(at) != "[" or self._sign(at + 2) != "]":
            return None
        key = self.tokens[at + 1].literal
        return None if key is None else (key, 3)

    def _refuse_unknown_field(
        self, at: int, path: Path, fields: Collection[str]
    ) -> None:
        name = path[0]
        if len(path) == 1:
            some = ", ".join(f"{name}.{field}" for field in sorted(fields)[:3])
            raise self._refuse(at, f"Name a field of {name}, such as {some}.")
        if path[1] not in fields:
            hint = did_you_mean(path[1], fields)
            raise self._refuse(at + 2, f"{name} has no field {path[1]}{hint}")

    def _within_another(self, path: Path) -> bool:
        return any(path[:n] in self.reads for n in range(1, len(path)))

    def _clauses(self) -> tuple[tuple[int, str], ...]:
        """The texts between its outermost &&; all of it where that is not its shape."""
        depth, cuts = 0, []
        for at, token in enumerate(self.tokens):
            sign = self._sign(at)
            depth += (sign in CLOSES) - (sign in CLOSES.values())
            if not depth and sign in {"||", "?"}:
                return ((self.tokens[0].at, self.text),)
            if not depth and sign == "&&":
                cuts.append(token.at)
        ends = [*cuts, len(self.text)]
        starts = [0, *(cut + 2 for cut in cuts)]
        parts = zip(starts, ends, strict=True)
        return tuple((self._first_word(a), self.text[a:b]) for a, b in parts)

    def _first_word(self, offset: int) -> int:
        return next((t.at for t in self.tokens if t.at >= offset), offset)


def _can_match(pattern: str) -> bool:
    try:
        return isinstance(MATCH.execute({"pattern": pattern}), bool)
    except RuntimeError:
        return False
