"""How pages for staff write moments, money and names of things."""

import json
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from referral_factory import money

register = template.Library()

# How good or bad a status is, as a colour; the word is always there as well.
COLOURS = {
    **dict.fromkeys(["live", "active", "enabled", "delivered", "sent"], "success"),
    **dict.fromkeys(["qualified", "approved", "issued"], "success"),
    **dict.fromkeys(["draft", "pending", "holding", "issuing", "counted"], "info"),
    **dict.fromkeys(["paused", "flagged", "waiting", "unmatched"], "warning"),
    **dict.fromkeys(["done", "event"], "success"),
    **dict.fromkeys(["ignored", "repeated"], "info"),
    "refused": "danger",
    **dict.fromkeys(["uploaded", "checking", "checked", "running"], "info"),
    **dict.fromkeys(["blocked", "disqualified", "rejected", "failed"], "danger"),
    **dict.fromkeys(["disabled", "clawed_back", "reversed", "revoked"], "danger"),
}

NOTHING = "\N{EN DASH}"
UNITS = [
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "minute"),
]


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """A time with its zone, which is UTC everywhere in the admin."""
    if value is None:
        return NOTHING
    return format_html(
        '<time datetime="{}">{}</time>',
        value.isoformat(),
        f"{value:%-d %b %Y, %H:%M} UTC",
    )


@register.filter
def amount_of(row: Any) -> str:
    """The money of a row that has some."""
    if row.amount is None:
        return NOTHING
    return money.for_people(row.amount, row.currency)


@register.filter
def counted(value: int) -> str:
    """A count as people read it: 12,345."""
    return f"{value:,}"


@register.filter
def colour(status: str) -> str:
    return COLOURS.get(status, "plain")


@register.filter
def words(code: str) -> str:
    """'not_matched' as people write it: 'not matched'."""
    return str(code).replace("_", " ")


@register.filter
def readable(value: Any) -> str:
    """Any JSON as people read it: text as it is, the rest indented."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def length_of_time(value: timedelta) -> str:
    """The largest unit says enough: '3 days', '1 hour'."""
    for unit, name in UNITS:
        if value >= unit:
            count = value // unit
            return f"{count} {name}{'s' if count != 1 else ''}"
    return "less than a minute"
