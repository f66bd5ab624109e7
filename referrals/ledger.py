"""Events judged one after the other, and what each does to its person's referral.

Pure: entered are the referrals and events that matter, and read off is what was
decided, what counts and which moves referrals make. The real thing, a dry run and a
backtest fill a ledger from different places, and judge by this one.
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from referrals.facts import (
    CampaignFacts,
    Check,
    EventFacts,
    Facts,
    Milestone,
    PersonFacts,
    ReferralFacts,
)
from referrals.qualification import (
    PERSON_UNKNOWN,
    REACHED,
    Outcome,
    Status,
    amount,
    ask,
    hold_until,
    on,
    progress,
    still_counts,
)
from referrals.taking_back import (
    DID_COUNT,
    DID_NOT_COUNT,
    OF_SOMEBODY_ELSE,
    POLICIES,
    TARGET_OF_NOBODY,
    TARGET_UNKNOWN,
    refused_amount,
)

NOTHING = Decimal(0)


@dataclass(slots=True, eq=False)
class Entry:
    """An event, with what was decided about it."""

    event_id: str
    facts: EventFacts
    person: Hashable | None  # None: nobody known
    reverses: str = ""
    referral: Hashable | None = None
    outcome: str = ""
    counts: bool = False
    version: int = 0  # of the rules that it was judged by
    checks: list[Check] = field(default_factory=list)
    taken_off: bool = False  # a reversal: what it takes back is smaller by it


class Move(NamedTuple):
    """One step of a referral. From qualified to qualified: a person is to look."""

    case: "Case"
    from_status: str
    to_status: str
    at: datetime
    reason: str
    entry: Entry | None  # what brought it about, unless time did
    holds_until: datetime | None
    milestone: Entry | None

    @property
    def asks(self) -> bool:
        return self.from_status == self.to_status


@dataclass(slots=True, eq=False)
class Case:
    """A referral while its events are judged. `key` is its own, `person` its friend."""

    key: Hashable
    person: Hashable
    referral: ReferralFacts
    friend: PersonFacts | None = None
    advocate: PersonFacts | None = None
    holds_until: datetime | None = None
    milestone: Entry | None = None  # what reached it
    counting: dict[str, Entry] = field(default_factory=dict)  # by event id
    total: Decimal = NOTHING  # of what counts, net
    moves: list[Move] = field(default_factory=list)

    def count(self, entry: Entry) -> None:
        if entry.event_id in self.counting:
            return
        entry.counts = True
        self.counting[entry.event_id] = entry
        self.total += entry.facts.net

    def forget(self, entry: Entry) -> None:
        """What is left of it does not count."""
        if self.counting.pop(entry.event_id, None):
            self.total -= entry.facts.net

    def settle(self, now: datetime) -> None:
        """Do what the clock has decided, whether the sweep came by or not."""
        referral = self.referral
        if referral.status == Status.PENDING and referral.expires_at <= now:
            self.move(Status.EXPIRED, at=referral.expires_at)
        elif (
            referral.status == Status.HOLDING
            and self.holds_until is not None
            and self.holds_until <= now
        ):
            # It counts from the end of its period, not from when somebody looked.
            self.move(Status.QUALIFIED, at=self.holds_until)

    def move(
        self,
        to: Status,
        *,
        at: datetime,
        reason: str = "",
        entry: Entry | None = None,
        holds_until: datetime | None = None,
    ) -> None:
        pending = self.referral.status == Status.PENDING
        reached = entry if pending and to in REACHED else None
        moved = self.referral.status, to.value, at, reason, entry, holds_until, reached
        self.moves.append(Move(self, *moved))
        self.referral = replace(self.referral, status=to.value)
        self.holds_until = holds_until if to != Status.QUALIFIED else self.holds_until
        self.milestone = None if to == Status.PENDING else reached or self.milestone


class Ledger:
    """The cases and events of one campaign that belong together.

    `rules` are those that events are judged by; `versions` those that some were judged
    by before. Where one is not there, the rules of now stand in for it.
    """

    def __init__(
        self,
        rules: Milestone,
        *,
        versions: Mapping[int, Milestone] | None = None,
        campaign: CampaignFacts | None = None,
    ) -> None:
        self.rules = rules
        self.versions: dict[int, Milestone] = dict(versions or {})
        self.campaign = campaign
        self.cases: dict[Hashable, Case] = {}  # by friend
        self.entries: dict[str, Entry] = {}  # by event id
        self.reversals: dict[str, dict[str, Entry]] = {}  # by what they take back
        # By person: those that name nothing, and came before any milestone.
        self.nameless: dict[Hashable, list[Entry]] = {}
        self.touched: dict[str, Entry] = {}  # others than those that were judged

    def open(self, case: Case) -> None:
        self.cases[case.person] = case

    def enter(self, entry: Entry) -> None:
        """Note an event that was judged before, or is about to be."""
        self.entries[entry.event_id] = entry
        if entry.reverses:
            self.reversals.setdefault(entry.reverses, {})[entry.event_id] = entry
            target = self.entries.get(entry.reverses)
            if target and entry.outcome == Outcome.REVERSED:
                self._take_off(entry, target)
        for reversal in self._reversals_of(entry):
            if reversal.outcome == Outcome.REVERSED:
                self._take_off(reversal, entry)
        case = self.cases.get(entry.person)
        if entry.counts and case and case.key == entry.referral:
            case.count(entry)

    def judge(self, entry: Entry, now: datetime) -> None:
        """Decide, once, what an event means: the decision is written on the entry."""
        self.enter(entry)
        entry.version = self.rules.version
        case = self.cases.get(entry.person)
        if case:
            case.settle(now)
            entry.referral = case.key
        if self.is_reversal(entry):
            self._reverse(entry, case, now)
        else:
            self._judge_report(entry, case, now)
        self.judge_waiting(entry, now)
        if case and case.milestone is entry:
            self._judge_nameless(case, now)

    def wait(self, reversal: Entry) -> None:
        """Keep one that names nothing until its person's milestone is reached."""
        self.nameless.setdefault(reversal.person, []).append(reversal)

    def judge_waiting(self, entry: Entry, now: datetime) -> None:
        """Judge what waited for this event, or for whom it was about."""
        for reversal in self._reversals_of(entry):
            if reversal.outcome == Outcome.UNMATCHED and reversal.person is not None:
                self._reverse(reversal, self.cases.get(reversal.person), now)
                self.touched[reversal.event_id] = reversal

    def _judge_nameless(self, case: Case, now: datetime) -> None:
        """Judge what waited for a milestone, and happened no earlier than it did."""
        waiting = self.nameless.get(case.person, [])
        for reversal in sorted(waiting, key=lambda each: each.facts.occurred_at):
            reached = case.milestone  # until one of them takes it back
            if reached is None or not self.is_reversal(reversal):
                continue
            if reversal.facts.occurred_at >= reached.facts.occurred_at:
                waiting.remove(reversal)
                self._reverse(reversal, case, now)
                self.touched[reversal.event_id] = reversal

    def is_reversal(self, entry: Entry) -> bool:
        return bool(entry.reverses) or entry.facts.name in self.rules.reversal_events

    def _judge_report(self, entry: Entry, case: Case | None, now: datetime) -> None:
        for reversal in self._reversals_of(entry):
            if reversal.person is not None and not _refusal(reversal, entry):
                self._take_off(reversal, entry)
        answer = ask(self._facts(entry, case), self.rules)
        entry.checks = answer.checks
        if answer.counts and case:
            case.count(entry)
            entry.outcome = answer.outcome or self._advance(entry, case, now)
        else:
            entry.outcome = answer.outcome or Outcome.NOT_MATCHED

    def _advance(self, entry: Entry, case: Case, now: datetime) -> Outcome:
        """What a pending referral makes of one more event that counts."""
        reached = progress(len(case.counting), case.total, self.rules)
        if reached:
            entry.checks.append(reached)
            if not reached.passed:
                return Outcome.COUNTED
        until = hold_until(entry.facts, self.rules, now)
        if until is None:
            case.move(Status.QUALIFIED, at=now, entry=entry)
            return Outcome.QUALIFIED
        entry.checks.append(
            Check("holding_period", True, f"Held until {on(until)} UTC.")
        )
        case.move(Status.HOLDING, at=now, entry=entry, holds_until=until)
        return Outcome.HOLDING

    def _reverse(self, reversal: Entry, case: Case | None, now: datetime) -> None:
        """Judge the net facts of what this takes back.

        Without `reverses`, it takes back what reached the person's milestone. What it
        takes back, or whom either is about, may not be known yet: then it waits.
        """
        reversal.version = self.rules.version
        target = self.entries.get(reversal.reverses)
        if not reversal.reverses:
            target = case.milestone if case else None
        if missing := _missing(reversal, target):
            reversal.outcome, reversal.checks = Outcome.UNMATCHED, [missing]
            if not reversal.reverses and reversal.person is not None:
                self.wait(reversal)
            return
        assert target is not None  # noqa: S101 - it is not missing
        reversal.reverses = target.event_id
        reversal.referral = target.referral
        if refusal := _refusal(reversal, target):
            reversal.outcome, reversal.checks = Outcome.NOT_MATCHED, [refusal]
            return
        known = f"It takes back {target.event_id}."
        reversal.outcome = Outcome.REVERSED
        reversal.checks = [Check("reversed_event_known", True, known)]
        self._take_off(reversal, target)
        self._judge_what_is_left(reversal, target, case, now)

    def _judge_what_is_left(
        self, reversal: Entry, target: Entry, case: Case | None, now: datetime
    ) -> None:
        if not target.counts:
            reversal.checks.append(DID_NOT_COUNT)
            return
        reversal.checks.append(DID_COUNT)
        if case and case.key != target.referral:
            case = None  # left behind when two people turned out to be one
        rules = self._rules_at(target.version)
        target.counts = still_counts(self._facts(target, case), rules)
        self.touched[target.event_id] = target
        if case is None:
            return
        if not target.counts:
            case.forget(target)
        if case.referral.status in REACHED and case.milestone:
            self._look_at_milestone(reversal, target, case, now)

    def _look_at_milestone(
        self, reversal: Entry, target: Entry, case: Case, now: datetime
    ) -> None:
        """Whether what counts reaches it still; another event may stand in."""
        assert case.milestone is not None  # noqa: S101 - it was reached
        rules = self._rules_at(case.milestone.version)
        reached = progress(len(case.counting), case.total, rules)
        stays = reached.passed if reached else bool(case.counting)
        said = reached.detail if reached else _left_of(target, case, rules)
        reversal.checks.append(Check("milestone_still_reached", stays, said))
        if not stays and case.referral.status == Status.HOLDING:
            self._lose_while_holding(reversal, target, case, now)
        elif not stays:
            self._lose_by_policy(reversal, case, now)

    def _lose_while_holding(
        self, reversal: Entry, target: Entry, case: Case, now: datetime
    ) -> None:
        if case.counting or not target.facts.wholly_taken_back:
            reason = f"Partly reversed by {reversal.event_id}."
            case.move(Status.PENDING, at=now, reason=reason, entry=reversal)
        else:
            reason = f"Reversed by {reversal.event_id}."
            case.move(Status.DISQUALIFIED, at=now, reason=reason, entry=reversal)

    def _lose_by_policy(self, reversal: Entry, case: Case, now: datetime) -> None:
        policy = self.rules.reversal_policy
        reason = f"Reversed by {reversal.event_id}."
        reversal.checks.append(Check("reversal_policy", True, POLICIES[policy]))
        if policy == "take_back":
            case.move(Status.DISQUALIFIED, at=now, reason=reason, entry=reversal)
        elif policy == "ask":
            case.move(Status.QUALIFIED, at=now, reason=reason, entry=reversal)

    def _take_off(self, reversal: Entry, target: Entry) -> None:
        if reversal.taken_off:
            return
        reversal.taken_off = True
        facts, part = target.facts, reversal.facts.amount
        taken = facts.taken_back + (part or NOTHING)
        wholly = part is None or taken >= (facts.amount or NOTHING)
        wholly = wholly or facts.wholly_taken_back
        target.facts = replace(facts, taken_back=taken, wholly_taken_back=wholly)
        case = self.cases.get(target.person)
        if case and target.event_id in case.counting:
            case.total -= part or NOTHING

    def _reversals_of(self, entry: Entry) -> Iterator[Entry]:
        yield from self.reversals.get(entry.event_id, {}).values()

    def _rules_at(self, version: int) -> Milestone:
        return self.versions.get(version, self.rules)

    def _facts(self, entry: Entry, case: Case | None) -> Facts:
        return Facts(
            event=entry.facts,
            person_known=entry.person is not None,
            referral=case.referral if case else None,
            friend=case.friend if case else None,
            advocate=case.advocate if case else None,
            campaign=self.campaign,
        )


def _missing(reversal: Entry, target: Entry | None) -> Check | None:
    """What has to arrive before it can be judged, if anything has."""
    if reversal.person is None:
        return PERSON_UNKNOWN
    if target is None:
        return TARGET_UNKNOWN
    return TARGET_OF_NOBODY if target.person is None else None


def _refusal(reversal: Entry, target: Entry) -> Check | None:
    if reversal.person != target.person:
        return OF_SOMEBODY_ELSE
    return refused_amount(reversal.facts, target.facts)


def _left_of(target: Entry, case: Case, rules: Milestone) -> str:
    """Of a milestone that one event reaches."""
    if case.counting and target.event_id not in case.counting:
        return f"{next(iter(case.counting))} stands in for it."
    if target.facts.wholly_taken_back:
        return "Nothing is left of it."
    left = amount(target.facts.net, rules.currency)
    least = amount(rules.minimum, rules.currency) if rules.minimum else "any amount"
    return f"{left} {rules.currency} is left of it; the minimum is {least}."
