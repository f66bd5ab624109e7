"""A campaign's enrolment page: what it asks, says and needs. Pure functions.

Kept on the campaign as two JSON columns, `fields` and `join`; this is how to read them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from django.db.models import TextChoices

from referrals.models import Campaign

MAX_FIELDS = 20
MAX_CHOICES = 100


class Kind(TextChoices):
    """What a field takes, and what becomes of it among the attributes."""

    TEXT = "text"  # one line
    LONG_TEXT = "long_text"
    NUMBER = "number"
    CHOICE = "choice"  # one of its choices
    TICK = "tick"  # true or false; where required, true
    DATE = "date"  # as "2026-01-31"


class Side(TextChoices):
    """Who is asked."""

    ADVOCATE = "advocate"
    FRIEND = "friend"
    BOTH = "both"


@dataclass(frozen=True)
class Field:
    """One thing that the page asks beside name and mailbox."""

    name: str  # of the attribute that the answer becomes
    label: str
    kind: str = Kind.TEXT.value
    required: bool = False
    choices: list[str] = field(default_factory=list)
    side: str = Side.BOTH.value

    def is_for(self, side: str) -> bool:
        return self.side in {Side.BOTH, side}


@dataclass(frozen=True)
class JoinPage:
    """The settings of the page. Without `open` there is none."""

    open: bool = False
    confirm_email: bool = False  # nobody is enrolled before their mailbox answers
    show_advocate: bool = False  # friends see the first name of who invited them
    heading: str = ""
    text: str = ""
    consent: str = ""  # what people must agree to; empty: nothing
    share_text: str = ""  # what shares say, with {link} and {campaign}


SETTINGS = tuple(setting.name for setting in fields(JoinPage))


def page_of(campaign: Campaign) -> JoinPage:
    return JoinPage(**{k: v for k, v in campaign.join.items() if k in SETTINGS})


def settings_of(campaign: Campaign) -> dict[str, Any]:
    """All settings of the page, those that nobody set with their defaults."""
    return asdict(page_of(campaign))


def fields_of(campaign: Campaign) -> list[Field]:
    return [_field(stored) for stored in campaign.fields]


def _field(stored: Mapping[str, Any]) -> Field:
    return Field(**{"side" if k == "for" else k: v for k, v in stored.items()})
