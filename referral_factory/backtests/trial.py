"""One chunk of a backtest: read, judged by what is tried, compared. It writes nothing
but what it found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from referral_factory import prepared
from referral_factory.backtests.comparing import Comparison, Tally, compared
from referral_factory.backtests.history import (
    CHUNK,
    History,
    histories,
    next_referrals,
)
from referral_factory.backtests.models import Backtest, BacktestChange
from referral_factory.backtests.replay import Ending, Terms, real_reason, replay
from referral_factory.backtests.rules import Rules
from referral_factory.ids import to_public
from referral_factory.wire import as_json
from referrals.facts import Milestone
from referrals.ledger import Entry
from referrals.milestones import campaign_facts
from referrals.models import Campaign, Event, MilestoneVersion

Kind = BacktestChange.Kind

COLUMNS = (
    "backtest_id, referral_id, kind, really, tried, why, rewards_really, rewards_tried"
)
KEEP = f"""
    INSERT INTO backtests_backtestchange ({COLUMNS})
    SELECT {COLUMNS} FROM json_to_recordset(%(rows)s::json) AS found (
        backtest_id uuid, referral_id uuid, kind text, really text, tried text,
        why jsonb, rewards_really jsonb, rewards_tried jsonb
    )
"""  # noqa: S608 - COLUMNS is a constant


@dataclass
class Chunk:
    """What a chunk of referrals came to, and how the backtest goes on after it."""

    progress: dict[str, Any]
    more: bool
    changes: list[dict[str, Any]] = field(default_factory=list)

    def keep_changes(self) -> None:
        """All in one statement, in their order."""
        if self.changes:
            prepared.execute(KEEP, {"rows": as_json(self.changes).decode()})


def try_chunk(backtest: Backtest, campaign: Campaign, *, wall: datetime) -> Chunk:
    """Try the rules on the next referrals in line."""
    tried, held = Rules.from_json(backtest.tried), Rules.from_json(backtest.held)
    terms = _terms(tried, campaign)
    tally, changes, events = Tally.from_json(backtest.counts), [], 0
    referrals, now = next_referrals(backtest), campaign.now(wall)
    for history in histories(backtest, referrals, whole=terms.ask):
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
    def event(self) -> str | None:
        """The event that makes the difference: what reached the milestone, or would
        have; else the last that either had something to say about."""
        really: str | None = self.history.facts["milestone_event"]
        if self.kind == Kind.QUALIFIES:
            return self.ending.milestone
        if self.kind == Kind.NO_LONGER:
            return really
        return self.ending.milestone or really or self._last

    @property
    def _last(self) -> str | None:
        said = {k for k, e in self.ending.entries.items() if e.outcome != "recorded"}
        return max(said, default=None)


def _rows(backtest: Backtest, changes: Sequence[_Change]) -> list[dict[str, Any]]:
    """As they are kept, with what was really decided about their events."""
    keys = {change.event for change in changes if change.event}
    found = Event.objects.filter(pk__in=keys).values_list("pk", "outcome", "decision")
    decided = {str(pk): (outcome, kept) for pk, outcome, kept in found}
    return [_row(backtest, change, decided) for change in changes]


def _row(
    backtest: Backtest, change: _Change, decided: Mapping[str, tuple[str, Any]]
) -> dict[str, Any]:
    history, ending, found = change.history, change.ending, change.found
    key = change.event
    really = decided.get(key) if key else None
    judged = ending.entries.get(key) if key else None
    return {
        "backtest_id": backtest.pk,
        "referral_id": history.key,
        "kind": change.kind,
        "really": found.really,
        "tried": found.tried,
        "why": {
            "event": to_public(Event.PREFIX, UUID(key)) if key else None,
            "really": {"reason": real_reason(history), **_really(really)},
            "tried": {"reason": ending.reason, **_tried(judged)},
        },
        "rewards_really": [each.as_json() for each in found.rewards_really],
        "rewards_tried": [each.as_json() for each in found.rewards_tried],
    }


def _really(decided: tuple[str, Any] | None) -> dict[str, Any]:
    if decided is None:
        return {"outcome": None, "explanation": []}
    outcome, kept = decided
    checks = [_unseen(check) for check in kept.get("checks", [])]
    return {"outcome": outcome, "explanation": checks}


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
    new_window = "within" in tried.changed
    return Terms(tried.milestone, versions, new_window, campaign_facts(campaign))
