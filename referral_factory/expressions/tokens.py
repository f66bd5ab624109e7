"""The words of an expression, each with its place.

The evaluator's parser tells nobody what it read, so guards read the text themselves.
Where the two could understand it differently (text in triple quotes, bytes, names in
backticks), it is refused.
"""

import re
from dataclasses import dataclass

import cel

from referral_factory.expressions.faults import BadExpression, Place

WORDS = re.compile(
    r"""
    (?P<space> [ \t\r\n]+ | //[^\n]* )
  | (?P<refused> [rRbB]{0,2}(?:\"{3}|'{3}) | [rR]?[bB][rR]?["'] )
  | (?P<text> [rR](?:"[^"\r\n]*"|'[^'\r\n]*')
            | "(?:\\.|[^"\\\r\n])*" | '(?:\\.|[^'\\\r\n])*' )
  | (?P<number> 0[xX][0-9a-fA-F]+[uU]? | (?:\d+\.\d+|\d+|\.\d+)(?:[eE][+-]?\d+)?[uU]? )
  | (?P<name> [A-Za-z_][A-Za-z0-9_]* )
  | (?P<sign> && | \|\| | [<>=!]= | [-+*/%<>!?:.,()\[\]{}] )
    """,
    re.VERBOSE,
)
HINTS = {
    "=": "compare with ==.",
    "&": "write && for 'and'.",
    "|": "write || for 'or'.",
    '"': "the text has no closing quote on its line.",
    "'": "the text has no closing quote on its line.",
    "“": 'use straight quotes: "…".',
    "”": 'use straight quotes: "…".',
    "\u2018": "use straight quotes: '…'.",
    "\u2019": "use straight quotes: '…'.",
    "≥": "write >=.",
    "≤": "write <=.",
    "≠": "write !=.",
}


@dataclass(frozen=True)
class Token:
    kind: str  # text, number, name or sign; "end" after the last
    text: str
    at: int

    @property
    def raw(self) -> bool:
        return self.text[0] in "rR"

    @property
    def literal(self) -> str | None:
        """What a text says; None where escapes would have to be understood."""
        if self.kind != "text":
            return None
        if self.raw:
            return self.text[2:-1]
        return None if "\\" in self.text else self.text[1:-1]

    @property
    def meaning(self) -> str | None:
        """What a text says once its escapes are understood, by the evaluator itself."""
        if self.kind != "text" or self.literal is not None:
            return self.literal
        try:
            return str(cel.evaluate(self.text))
        except ValueError:  # an escape that does not exist; its parser says so
            return None


def read_tokens(text: str) -> list[Token]:
    """All words in order; spaces and comments are left out."""
    tokens, at = [], 0
    while at < len(text):
        found = WORDS.match(text, at)
        if found is None:
            raise _unexpected(text, at)
        kind = str(found.lastgroup)
        if kind == "refused":
            detail = "Write text in simple quotes: \"…\" or '…'."
            raise BadExpression(detail, Place.of(text, at))
        if kind != "space":
            tokens.append(Token(kind, found.group(), at))
        at = found.end()
    return tokens


def _unexpected(text: str, at: int) -> BadExpression:
    sign = text[at]
    hint = HINTS.get(sign, "it means nothing here.")
    return BadExpression(f"Unexpected {sign!r}: {hint}", Place.of(text, at))
