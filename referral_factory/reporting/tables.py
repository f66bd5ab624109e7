"""Reports as tables, for CSV: the names of the columns first, then the rows."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from referral_factory.money import as_text
from referral_factory.reporting.definitions import NUMBERS, RATE, SERIES, Number
from referral_factory.reporting.reports import Numbers, Point, Summary
from referrals.models import Campaign

Row = list[object]


def summary_table(campaigns: Sequence[Campaign], found: Summary) -> Iterator[Row]:
    """A row for each campaign, and one for all of them."""
    everything = [found.total, *found.campaigns.values()]
    columns = list(_columns(NUMBERS, everything))
    yield ["campaign", "name", *_names(columns), RATE]
    for campaign in campaigns:
        numbers = found.campaigns.get(campaign.pk, Numbers())
        cells = _cells(columns, numbers)
        yield [campaign.public_id, campaign.name, *cells, numbers.rate]
    yield ["", "all of these", *_cells(columns, found.total), found.total.rate]


def timeseries_table(points: Sequence[Point]) -> Iterator[Row]:
    """A row for each bucket."""
    columns = list(_columns(SERIES, [point.numbers for point in points]))
    yield ["from", "to", "complete", *_names(columns)]
    for point in points:
        bucket = point.bucket
        complete = "yes" if bucket.complete else "no"
        yield [bucket.first, bucket.last, complete, *_cells(columns, point.numbers)]


def _columns(
    numbers: Iterable[Number], everything: Sequence[Numbers]
) -> Iterator[tuple[Number, str]]:
    """Each number, and after it a column for each currency that it has money in."""
    for number in numbers:
        yield number, ""
        found = {c for each in everything for c in each[number.name].amounts}
        yield from ((number, currency) for currency in sorted(found))


def _names(columns: Iterable[tuple[Number, str]]) -> list[object]:
    return [f"{n.name}_{currency}" if currency else n.name for n, currency in columns]


def _cells(columns: Iterable[tuple[Number, str]], numbers: Numbers) -> list[Any]:
    return [_cell(number, currency, numbers) for number, currency in columns]


def _cell(number: Number, currency: str, numbers: Numbers) -> object:
    tally = numbers[number.name]
    if not currency:
        return tally.count
    return as_text(tally.amounts.get(currency, Decimal(0)), currency)
