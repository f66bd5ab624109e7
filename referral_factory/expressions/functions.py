"""What an expression may call: a part of CEL, and a few functions of our own.

Ours are for what CEL has no word for. None makes a text longer than what it is given,
and none looks at a clock, so that a decision can be made again with the same result.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from referral_factory import money

MOST_PIECES = 200
MOST_PLACES = 8

# What fails in a function is told by the decision, not in the log.
logging.getLogger("cel").setLevel(logging.ERROR)

WORDS = """
    has size contains startsWith endsWith matches int double string timestamp duration
    getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours
    getMinutes getSeconds
"""
BUILT_IN = frozenset(WORDS.split())
# Each goes through a list: at most one of them in an expression.
MACROS = frozenset(["all", "exists", "exists_one", "existsOne", "map", "filter"])


class Misused(ValueError):
    """A function was given what it cannot work on."""


def days_between(first: Any, second: Any) -> float:
    """Days from one moment to another; less than nothing when it is earlier."""
    if not isinstance(first, datetime) or not isinstance(second, datetime):
        raise Misused("days_between takes two moments")
    return (second - first).total_seconds() / 86400


def rounded(number: Any, places: Any) -> float:
    """A number rounded as money is: halves to even."""
    if not isinstance(places, int) or not 0 <= places <= MOST_PLACES:
        raise Misused(f"round takes 0 to {MOST_PLACES} places")
    unit = Decimal(1).scaleb(-places)
    return float(_decimal(number, "round").quantize(unit, ROUND_HALF_EVEN))


def minor(amount: Any, currency: Any) -> str:
    """An amount in minor units as a decimal text: 2500 of USD is "25.00"."""
    code = currency.upper() if isinstance(currency, str) else ""
    if code not in money.CURRENCIES:
        raise Misused("minor takes an amount and a currency code")
    return str(_decimal(amount, "minor").scaleb(-money.places(code)))


def _decimal(number: Any, name: str) -> Decimal:
    """What was written, digit for digit; never the binary number beneath."""
    if isinstance(number, bool) or not isinstance(number, int | float | str):
        raise Misused(f"{name} takes a number")
    try:
        exact = Decimal(str(number).strip())
    except InvalidOperation:
        raise Misused(f"{name} takes a number") from None
    if not exact.is_finite() or exact.adjusted() > money.MAX_DIGITS:
        raise Misused(f"{name} takes a number of at most {money.MAX_DIGITS} digits")
    return exact


def split(text: Any, by: Any) -> list[str]:
    if not isinstance(text, str) or not isinstance(by, str) or not by:
        raise Misused("split takes a text and what parts it")
    pieces = text.split(by, MOST_PIECES)
    if len(pieces) > MOST_PIECES:
        raise Misused(f"split gives at most {MOST_PIECES} pieces")
    return pieces


def lower(text: Any) -> str:
    return _text(text, "lower").lower()


def upper(text: Any) -> str:
    return _text(text, "upper").upper()


def trim(text: Any) -> str:
    return _text(text, "trim").strip()


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise Misused(f"{name} takes a text")
    return value


OWN: dict[str, Callable[..., Any]] = {
    "days_between": days_between,
    "round": rounded,
    "minor": minor,
    "split": split,
    "lower": lower,
    "upper": upper,
    "trim": trim,
}
KNOWN = BUILT_IN | MACROS | OWN.keys()
