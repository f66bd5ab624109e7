"""What becomes of one referral when its past is judged by other rules.

Pure: what happened is entered into a ledger, as the real thing enters it, and the same
code judges it. Events are judged in the order in which they arrived; those that were
there before the referral was made, at that moment, in the order in which they happened.
What people decided by hand is done again where the rules leave a way to it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

import orjson

from referral_factory.backtests.history import History, Occurrence
from referrals.facts import (
    NOTHING,
    CampaignFacts,
    EventFacts,
    Milestone,
    PersonFacts,
    ReferralFacts,
)
from referrals.ledger import Case, Entry, Ledger
from referrals.models import Referral
from referrals.models.referral import BY_RULE
from referrals.qualification import on

Status = Referral.Status
LAST = "~"  # after every id
# What somebody wrote about it is kept in one place only, from where it can be erased.
DECIDED = "A person decided it."


@dataclass(frozen=True)
class Terms:
    """The rules that are tried, over each version of the campaign's."""

    now: Milestone
    versions: Mapping[int, Milestone]
    new_window: bool  # whether another window is tried
    campaign: CampaignFacts

    @cached_property
    def ask(self) -> bool:
        """Whether any of them has a condition, which may ask of anything."""
        return any(rules.condition for rules in (self.now, *self.versions.values()))

    def at(self, version: int) -> Milestone:
        return self.versions.get(version, self.now)


@dataclass(frozen=True)
class Ending:
    """Where a referral stands in the end, and why."""

    status: str
    reason: str
    milestone: str | None  # the event that reached it
    entries: Mapping[str, Entry]  # all that was judged, in that order


class Decided(NamedTuple):
    """A move that a person made."""

    key: str  # ids are made in the order of time
    to: str
    at: datetime


def real_reason(history: History) -> str:
    """Why it really stands where it does."""
    by_hand = history.facts["decided_by"] not in {"", BY_RULE}
    return DECIDED if by_hand else str(history.facts["reason"])


def replay(history: History, terms: Terms, now: datetime) -> Ending:
    """Judge it all again, up to `now` in the campaign."""
    ledger = Ledger(terms.now, versions=terms.versions, campaign=terms.campaign)
    by_hand = list(_decided(history))
    case = _case(history, terms, by_hand)
    ledger.open(case)
    entries: dict[str, Entry] = {}
    for each, at in _in_order(history, by_hand):
        if isinstance(each, Decided):
            _do_by_hand(case, each, history, terms)
        else:
            entry = _entry(each, case)
            ledger.rules = terms.at(each.version)
            ledger.judge(entry, at)
            entries[each.key] = entry
    case.settle(now)
    reached = [key for key, entry in entries.items() if entry is case.milestone]
    milestone = reached[0] if reached else None
    return Ending(case.referral.status, _reason(case), milestone, entries)


def _in_order(
    history: History, by_hand: Collection[Decided]
) -> Iterator[tuple[Occurrence | Decided, datetime]]:
    """What happened, each with the campaign's time at which it was judged."""
    born, made_at = history.key, history.created_at
    early = [event for event in history.events if event.key < born]
    for event in sorted(early, key=lambda event: (event.occurred_at, event.key)):
        yield event, made_at
    late: list[Occurrence | Decided] = [*history.events[len(early) :], *by_hand]
    for each in sorted(late, key=attrgetter("key")) if by_hand else late:
        yield each, each.at


def _case(history: History, terms: Terms, by_hand: Collection[Decided]) -> Case:
    facts = history.facts
    return Case(
        key=history.key,
        person=history.key,  # the only one in this ledger
        referral=ReferralFacts(
            status=Status.PENDING.value,
            created_at=history.created_at,
            expires_at=_expiry(history, terms, by_hand),
            clicked_at=_moment(facts["clicked_at"]),
            way=facts["way"],
            marks=tuple(mark["code"] for mark in facts["marks"]),
        ),
        friend=_person(facts["friend"]) if terms.ask else None,
        advocate=_person(facts["advocate"]) if terms.ask else None,
    )


def _expiry(history: History, terms: Terms, by_hand: Collection[Decided]) -> datetime:
    """The end of its window: as it was set, unless another window is tried."""
    reopened = any(each.to == Status.PENDING for each in by_hand)
    if terms.new_window or reopened:  # what is kept is the end of the one begun anew
        return history.created_at + terms.now.within
    return datetime.fromisoformat(history.facts["expires_at"])


def _do_by_hand(case: Case, decided: Decided, history: History, terms: Terms) -> None:
    """What a person decided, where the rules leave a way to it."""
    case.settle(decided.at)
    to = Status(decided.to)
    if to not in Referral.TRANSITIONS.get(Status(case.referral.status), ()):
        return
    case.move(to, at=decided.at, reason=DECIDED)
    if to == Status.PENDING:
        anew = replace(case.referral, expires_at=decided.at + terms.now.within)
        case.referral = anew


def _decided(history: History) -> Iterator[Decided]:
    facts = history.facts
    for move in facts["moves"] or []:
        at = datetime.fromisoformat(move["at"])
        yield Decided(move["id"], move["to"], at)
    # Before moves were kept, only the last was: nothing came after it.
    settled = _moment(facts["decided_at"])
    if settled and not facts["moves"] and facts["decided_by"] not in {"", BY_RULE}:
        yield Decided(LAST, facts["status"], settled)


def _entry(event: Occurrence, case: Case) -> Entry:
    facts = EventFacts(
        name=event.name,
        amount=event.amount,
        currency=event.currency,
        occurred_at=event.occurred_at,
        event_id=event.event_id,
        source=event.source,
        received_at=event.received_at,
        properties=orjson.loads(event.properties) if event.properties else NOTHING,
    )
    return Entry(event.event_id, facts, case.person, reverses=event.reverses)


def _person(row: Mapping[str, Any]) -> PersonFacts:
    return PersonFacts(
        external_id=row["external_id"],
        email=row["email"],
        status=row["status"],
        source=row["source"],
        attributes=row["attributes"],
        created_at=datetime.fromisoformat(row["created_at"]),
        customer_since=_moment(row["customer_since"]),
        confirmed_at=_moment(row["confirmed_at"]),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _reason(case: Case) -> str:
    last = case.moves[-1] if case.moves else None
    if case.referral.status == Status.EXPIRED:
        return f"Its window ended on {on(case.referral.expires_at)} UTC."
    if case.referral.status == Status.HOLDING and case.holds_until:
        return f"It is held until {on(case.holds_until)} UTC."
    return last.reason if last else ""
