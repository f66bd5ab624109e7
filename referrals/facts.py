"""What decisions look at and what they say: plain values, gathered before deciding.

Nothing here reads or writes anything, so that the real thing, a dry run, a backtest
and an explanation are made of the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Self

import orjson

NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Milestone:
    """What makes a referral count: the rules of a campaign at one version."""

    event_name: str
    minimum: Decimal | None  # of each event that counts
    currency: str
    within: timedelta
    holding: timedelta
    match: timedelta  # how long before its referral an event may have happened
    reversal_events: tuple[str, ...]
    version: int
    condition: str = ""  # an expression: see conditions.py
    count: int | None = None  # how many events it takes,
    sum: Decimal | None = None  # or how much in all; neither: the first one does
    reversal_policy: str = "take_back"

    def as_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "event_name": self.event_name,
            "minimum_amount": _text(self.minimum),
            "condition": self.condition,
            "count": self.count,
            "sum": _text(self.sum),
            "currency": self.currency,
            "within_days": self.within.days,
            "holding_days": self.holding.days,
            "match_days": self.match.days,
            "reversal_events": list(self.reversal_events),
            "reversal_policy": self.reversal_policy,
        }

    @classmethod
    def from_json(cls, terms: Mapping[str, Any]) -> Self:
        """The rules as a MilestoneVersion keeps them; older ones say less."""
        return cls(
            event_name=terms["event_name"],
            minimum=_number(terms.get("minimum_amount")),
            currency=terms["currency"],
            within=timedelta(days=terms["within_days"]),
            holding=timedelta(days=terms["holding_days"]),
            match=timedelta(days=terms["match_days"]),
            reversal_events=tuple(terms["reversal_events"]),
            version=terms["version"],
            condition=terms.get("condition", ""),
            count=terms.get("count"),
            sum=_number(terms.get("sum")),
            reversal_policy=terms.get("reversal_policy", "take_back"),
        )


@dataclass(slots=True)  # not frozen: that takes three times as long to make
class EventFacts:
    """An event, with what was taken back of it so far."""

    name: str
    amount: Decimal | None
    currency: str
    occurred_at: datetime
    taken_back: Decimal = Decimal(0)
    wholly_taken_back: bool = False
    event_id: str = ""
    source: str = ""
    received_at: datetime | None = None
    properties: Mapping[str, Any] = field(default_factory=lambda: NOTHING)

    @property
    def net(self) -> Decimal:
        return (self.amount or Decimal(0)) - self.taken_back


@dataclass(frozen=True)
class ReferralFacts:
    status: str
    created_at: datetime
    expires_at: datetime
    clicked_at: datetime | None = None  # of the click that it was credited by
    way: str = ""
    marks: tuple[str, ...] = ()  # codes of what speaks against the credit


@dataclass(frozen=True)
class PersonFacts:
    """A friend or an advocate, as a condition may ask about them."""

    external_id: str | None
    email: str | None
    status: str
    source: str
    attributes: Mapping[str, Any]
    created_at: datetime
    customer_since: datetime | None = None
    confirmed_at: datetime | None = None


@dataclass(frozen=True)
class CampaignFacts:
    slug: str
    mode: str
    currency: str
    launched_at: datetime | None


@dataclass(slots=True)
class Facts:
    """All that a decision about one event looks at."""

    event: EventFacts
    person_known: bool
    referral: ReferralFacts | None
    friend: PersonFacts | None = None
    advocate: PersonFacts | None = None
    campaign: CampaignFacts | None = None


@dataclass(frozen=True)
class Check:
    """One question that was asked, its answer, and what it saw.

    `saw` holds the values that a condition read, by their names. They may be personal:
    an erasure removes them, and keeps the answer.
    """

    check: str
    passed: bool
    detail: str
    saw: Mapping[str, Any] | None = None

    @cached_property
    def fragment(self) -> orjson.Fragment:
        """As it is stored: rendered once, where one answer is given many times."""
        return orjson.Fragment(orjson.dumps(self.as_json(), default=str))

    def as_json(self) -> dict[str, Any]:
        said = {"check": self.check, "passed": self.passed, "detail": self.detail}
        return said if self.saw is None else {**said, "saw": dict(self.saw)}


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
