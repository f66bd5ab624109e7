"""Money: a Decimal and an ISO 4217 code, always together."""

from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache

from babel.core import get_global
from babel.numbers import format_currency, get_currency_precision

MAX_DIGITS = 18
DECIMAL_PLACES = 4  # as many as any currency of ISO 4217 has
LARGEST = Decimal(10) ** (MAX_DIGITS - DECIMAL_PLACES) - 1

CURRENCIES: frozenset[str] = frozenset(get_global("all_currencies"))


def places(currency: str) -> int:
    """Decimal places of a currency: 2 for USD, 0 for JPY, 3 for KWD."""
    return get_currency_precision(currency)


def as_text(amount: Decimal, currency: str) -> str:
    """The amount as the API writes it: '25.00' for USD, '25' for JPY."""
    return str(amount.quantize(_smallest(currency), rounding=ROUND_HALF_EVEN))


@cache
def _smallest(currency: str) -> Decimal:
    return Decimal(1).scaleb(-places(currency))


def for_people(amount: Decimal, currency: str, locale: str = "en_US") -> str:
    """The amount as a page shows it: 'US$25.00' or '$25.00', by locale."""
    return format_currency(amount, currency, locale=locale)
