"""What was decided, in the words of telling.py, for pages of staff."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.html import escape
from django.utils.safestring import SafeString

from referrals import telling
from referrals.models import Event

register = template.Library()

PAGES = {
    "ptc": "admin:referrals_participant_change",
    "ref": "admin:referrals_referral_change",
    "evt": "admin:referrals_event_change",
}
ID = re.compile(rf"\b({'|'.join(PAGES)})_[0-9a-z]{{26}}\b")


@register.filter
def question(check: str) -> str:
    return telling.question(check)


@register.filter
def settled(checks: Sequence[Mapping[str, Any]] | None) -> Any:
    """What settled it: the first 'no', else the last check."""
    return telling.settled(checks or [])


@register.filter
def answer(check: Mapping[str, Any]) -> str:
    """How a check is coloured: what is not enough yet has not failed."""
    if check["passed"]:
        return "passed"
    return "underway" if check["check"] in telling.PROGRESS else "stopped"


@register.filter
def mark(check: Mapping[str, Any]) -> str:
    return {"passed": "✓", "underway": "…", "stopped": "✕"}[answer(check)]


@register.filter
def yes_or_no(check: Mapping[str, Any]) -> str:
    return {"passed": "Yes.", "underway": "Not yet.", "stopped": "No."}[answer(check)]


@register.filter
def outcome_of(event: Event) -> str:
    return telling.outcome_in_words(event)


@register.filter
def road(source: str) -> str:
    return telling.road_in_words(source)


@register.filter
def page_of(row: Model) -> str:
    """Where staff see a row; empty where it has no page."""
    page = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    try:
        return reverse(page, args=[row.pk])
    except NoReverseMatch:
        return ""


@register.filter
def linked(text: str) -> SafeString:
    """A sentence in which each id leads to its page."""
    return SafeString(ID.sub(_link, escape(text)))


def _link(found: re.Match[str]) -> str:
    address = reverse(PAGES[found[1]], args=[found[0]])
    return f'<a href="{address}">{found[0]}</a>'
