"""One chunk of a backtest: read, judged by what is tried, compared. It writes nothing
but what it found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from referral_factory.backtests.comparing import Comparison, Tally, compared
from referral_factory.backtests.history import (
    CHUNK,
    History,
    histories,
    next_referrals,
)
from referral_factory.backtests.models import Backtest, BacktestChange
from referral_factory.backtests.replay import Ending, Terms, replay
from referral_factory.backtests.rules import Rules
from referral_factory.ids import to_public
from referrals.facts import CampaignFacts, Milestone
from referrals.ledger import Entry
from referrals.models import Campaign, Event, MilestoneVersion

Kind = BacktestChange.Kind
Outcome = Event.Outcome


@dataclass
class Chunk:
    """What a chunk of referrals came to, and how the backtest goes on after it."""

    progress: dict[str, Any]
    more: bool
    changes: list[BacktestChange] = field(default_factory=list)

    def keep_changes(self) -> None:
        BacktestChange.objects.bulk_create(self.changes, batch_size=500)


def try_chunk(backtest: Backtest, campaign: Campaign, *, wall: datetime) -> Chunk:
    """Try the rules on the next referrals in line."""
    tried, held = Rules.from_json(backtest.tried), Rules.from_json(backtest.held)
    terms = _terms(tried, campaign)
    tally, changes, events = Tally.from_json(backtest.counts), [], 0
    referrals, now = next_referrals(backtest), campaign.now(wall)
    for history in histories(backtest, referrals, with_properties=terms.ask):
        ending = replay(history, terms, now)
        found = compared(
            history,
            ending.status,
            rules=tried.rewards,
            held=held.rewards or (),
            now=now,
        )
        tally.add(found)
        events += len(history.events)
        if found.kind:
            changes.append(_Change(history, ending, found, found.kind))
    progress = {
        "position": referrals[-1] if referrals else backtest.position,
        "done_referrals": backtest.done_referrals + len(referrals),
        "done_events": backtest.done_events + events,
        "counts": tally.as_json(),
    }
    rows = _rows(backtest, changes)
    return Chunk(progress, more=len(referrals) == CHUNK, changes=rows)


@dataclass(frozen=True)
class _Change:
    history: History
    ending: Ending
    found: Comparison
    kind: Kind

    @property
    def event(self) -> UUID | None:
        """The event that makes the difference: what reached the milestone, or would
        have; else the last that either had something to say about."""
        was = self.history.facts["milestone_event"]
        really = UUID(was) if was else None
        if self.kind == Kind.QUALIFIES:
            return self.ending.milestone
        if self.kind == Kind.NO_LONGER:
            return really
        return self.ending.milestone or really or self._last

    @property
    def _last(self) -> UUID | None:
        said = {k for k, e in self.ending.entries.items() if e.outcome != "recorded"}
        return max(said, default=None)


def _rows(backtest: Backtest, changes: Sequence[_Change]) -> list[BacktestChange]:
    """As they are kept, with what was really decided about their events."""
    keys = [change.event for change in changes if change.event]
    found = Event.objects.filter(pk__in=keys).only("outcome", "decision")
    events = {event.pk: event for event in found}
    return [_row(backtest, change, events) for change in changes]


def _row(
    backtest: Backtest, change: _Change, events: Mapping[UUID, Event]
) -> BacktestChange:
    history, ending, found = change.history, change.ending, change.found
    key = change.event
    really = events.get(key) if key else None
    judged = ending.entries.get(key) if key else None
    return BacktestChange(
        backtest=backtest,
        referral_id=history.referral,
        kind=change.kind,
        really=found.really,
        tried=found.tried,
        why={
            "event": to_public(Event.PREFIX, key) if key else None,
            "really": {"reason": history.facts["reason"], **_really(really)},
            "tried": {"reason": ending.reason, **_tried(judged)},
        },
        rewards_really=[each.as_json() for each in found.rewards_really],
        rewards_tried=[each.as_json() for each in found.rewards_tried],
    )


def _really(event: Event | None) -> dict[str, Any]:
    if event is None:
        return {"outcome": None, "explanation": []}
    checks = event.decision.get("checks", [])
    return {"outcome": event.outcome, "explanation": [_unseen(c) for c in checks]}


def _tried(entry: Entry | None) -> dict[str, Any]:
    if entry is None:
        return {"outcome": None, "explanation": []}
    checks = [_unseen(check.as_json()) for check in entry.checks]
    return {"outcome": str(entry.outcome), "explanation": checks}


def _unseen(check: Mapping[str, Any]) -> dict[str, Any]:
    """Without the values that it saw: they may be personal, and are kept elsewhere."""
    return {name: value for name, value in check.items() if name != "saw"}


def _terms(tried: Rules, campaign: Campaign) -> Terms:
    kept = MilestoneVersion.objects.filter(campaign=campaign)
    versions = {
        each.version: tried.over(Milestone.from_json(each.terms)) for each in kept
    }
    facts = CampaignFacts(
        campaign.slug, campaign.mode, campaign.currency, campaign.launched_at
    )
    return Terms(tried.milestone, versions, "within" in tried.changed, facts)
