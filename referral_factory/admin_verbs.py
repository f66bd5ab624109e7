"""Verbs: what a member of staff can do to rows, on a page that asks first.

A verb is a service with a form. GET shows what it is about to do, and only POST does
it; the same page serves one row and many. A service's refusal becomes a message.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from referral_factory import money
from referral_factory.errors import DomainError

AT_ONCE = 500  # rows that one page decides: what it shows is what it does


@dataclass(frozen=True)
class Asked:
    """Who asks for a verb, when, and what they filled in."""

    by: str  # the actor, as services take it
    wall: datetime
    given: Mapping[str, Any]

    @property
    def note(self) -> str:
        return str(self.given.get("note", ""))


# Calls the service, and says what was done as a participle: "approved".
Does = Callable[[Any, Asked], str]


@dataclass(frozen=True)
class Verb:
    name: str  # in the address
    label: str
    permission: str  # "rewards.review_reward"
    does: Does
    form: type[forms.Form] = forms.Form
    suits: Callable[[Any], bool] = lambda row: True  # whether to offer it for a row
    explains: str = ""  # what will happen, in a sentence
    tells: Callable[[Any], str] = str  # a row, as the page names it
    several: bool = False  # also offered for many rows at once
    grave: bool = False  # hard to undo, or a "no" to somebody
    reveals: str = ""  # set: it gives a secret, shown once with this explanation

    def allowed(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(self.permission))


@dataclass
class Report:
    """What came of a verb, row by row."""

    done: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    refused: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))


def actor(request: HttpRequest) -> str:
    return f"user:{request.user.get_username()}"


def run(
    verb: Verb, rows: Iterable[Any], request: HttpRequest, given: Mapping[str, Any]
) -> Report:
    """Do it to each row by itself: one that is refused leaves the others alone."""
    report, asked = Report(), Asked(actor(request), timezone.now(), given)
    for row in rows:
        try:
            outcome = verb.does(row, asked)
        except DomainError as refusal:
            report.refused[str(refusal)].append(row)
        else:
            report.done[outcome].append(row)
    return report


def tell(
    request: HttpRequest,
    report: Report,
    address: Callable[[Model], str],
    names: Sequence[str],
) -> None:
    """Say what happened: what was done by number, what was refused by name and why.

    `names` is what the rows are called, for one and for many.
    """
    for outcome, rows in report.done.items():
        noun = names[len(rows) != 1]
        messages.success(request, f"{len(rows)} {noun} {outcome}.")
    for why, rows in report.refused.items():
        messages.warning(request, _refusal(why, rows, address, names))


def _refusal(
    why: str, rows: list[Any], address: Callable[[Model], str], names: Sequence[str]
) -> SafeString:
    links = format_html_join(
        ", ", '<a href="{}">{}</a>', ((address(row), str(row)) for row in rows[:5])
    )
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    noun = names[len(rows) != 1]
    return format_html(
        "{} {} left as before: {} ({}{})", len(rows), noun, why, links, more
    )


def sums(rows: Iterable[Any]) -> list[str]:
    """The money of these rows, each currency by itself; none where there is none."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if getattr(row, "currency", "") and getattr(row, "amount", None) is not None:
            totals[row.currency] += row.amount
    return [money.for_people(total, unit) for unit, total in sorted(totals.items())]
