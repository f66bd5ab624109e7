"""The written rules of judging events, once more: small, slow, and on nothing of ours.

One campaign held in memory. What it says is compared with what the product says; so it
is written from docs/events.md and docs/milestones.md, never from the product's code.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

CURRENCY = "USD"
CLOCKS_DIFFER = timedelta(minutes=5)
SETTLED = ("holding", "qualified")
CLOSED = ("disqualified", "expired")
HELD_BACK = ("pending", "flagged", "approved")  # rewards that were not issued
LOST = "milestone_reversed"

# What the campaign may ask in its own words, and what is meant by it. What an event
# does not have makes it untrue.
CONDITIONS: dict[str, Callable[["Happening"], bool]] = {
    "": lambda event: True,
    "event.amount >= 40": lambda event: event.amount is not None and event.net >= 40,
    "event.properties.plan == 'pro'": lambda event: event.plan == "pro",
}


@dataclass(frozen=True)
class Rules:
    event: str = "purchase"
    minimum: Decimal | None = None
    condition: str = ""
    count: int | None = None
    sum: Decimal | None = None
    within_days: int = 30
    holding_days: int = 0
    match_days: int = 7
    reversals: tuple[str, ...] = ("refund",)
    policy: str = "take_back"
    version: int = 1


@dataclass(frozen=True)
class Said:
    """What is reported. `at` is how long from now it happened; None says nothing."""

    id: str
    name: str
    who: str
    amount: Decimal | None = None
    currency: str = CURRENCY
    at: timedelta | None = None
    plan: str = ""
    reverses: str = ""


@dataclass
class Happening:
    """An event that is kept, with what was decided about it."""

    said: Said
    at: datetime
    number: int  # in the order of their coming
    outcome: str = "unmatched"
    counts: bool = False  # less what was taken back
    version: int = 0
    reverses: str = ""
    taken: list["Happening"] = field(default_factory=list)

    @property
    def amount(self) -> Decimal | None:
        return self.said.amount

    @property
    def plan(self) -> str:
        return self.said.plan

    @property
    def net(self) -> Decimal:
        back = (each.amount or Decimal(0) for each in self.taken)
        return (self.amount or Decimal(0)) - sum(back)

    @property
    def gone(self) -> bool:
        """Wholly taken back."""
        if any(each.amount is None for each in self.taken):
            return True
        return bool(self.taken) and self.net <= 0


@dataclass
class Reward:
    status: str = "pending"
    disputed: bool = False
    reasons: set[str] = field(default_factory=set)


@dataclass
class Referral:
    friend: str
    created_at: datetime
    expires_at: datetime
    clicked_at: datetime | None = None
    doubtful: bool = False  # credited with a mark
    status: str = "pending"
    holds_until: datetime | None = None
    qualified_at: datetime | None = None
    milestone: Happening | None = None
    rewards: dict[str, Reward] = field(default_factory=dict)
    # From, to, when, and by which event.
    moves: list[tuple[str, str, datetime, str]] = field(default_factory=list)


class World:
    """A campaign: `sides` are those that its rewards go to, with what review finds."""

    def __init__(self, rules: Rules, now: datetime, sides: dict[str, set[str]]) -> None:
        self.rules, self.now, self.sides = rules, now, sides
        self.versions = {rules.version: rules}
        self.people: dict[str, datetime] = {}
        self.referrals: dict[str, Referral] = {}
        self.events: dict[str, Happening] = {}

    # --- What happens to a campaign -------------------------------------------------

    def pass_time(self, how_long: timedelta) -> None:
        self.now += how_long
        self.settle()

    def change_rules(self, **changes: Any) -> None:
        anew = replace(self.rules, **changes)
        if anew != self.rules:
            self.rules = replace(anew, version=self.rules.version + 1)
            self.versions[self.rules.version] = self.rules

    def enrol(self, who: str) -> None:
        if who not in self.people:
            self.people[who] = self.now
            self._arrived(who)

    def refer(self, who: str, clicked: timedelta | None = None) -> None:
        if who not in self.referrals:
            self.people.setdefault(who, self.now)
            within = timedelta(days=self.rules.within_days)
            made = Referral(who, self.now, self.now + within)
            if clicked is not None:
                made.clicked_at = self.now - clicked
                made.doubtful = made.clicked_at > self.people[who]
            self.referrals[who] = made
            self._arrived(who)

    def report(self, said: Said) -> str:
        if said.id in self.events:
            return "duplicate"
        at = self.now + (said.at or timedelta())
        if at > self.now + CLOCKS_DIFFER:
            return "in_the_future"
        event = Happening(said, at, len(self.events), reverses=said.reverses)
        self.events[said.id] = event
        self._judge(event)
        return event.outcome

    def settle(self) -> None:
        """What the clock decides, it decided before anything else is looked at."""
        for each in self.referrals.values():
            if each.holds_until and each.holds_until <= self.now:
                self._qualify(each, each.holds_until, "")
            elif each.status == "pending" and each.expires_at <= self.now:
                self._move(each, "expired", each.expires_at)

    # --- What a person does ---------------------------------------------------------

    def disqualify(self, who: str) -> None:
        self._disqualify(self.referrals[who], "")

    def reopen(self, who: str) -> None:
        referral = self.referrals[who]
        self._reopen(referral, "")
        referral.expires_at = self.now + timedelta(days=self.rules.within_days)

    def qualify(self, who: str) -> None:
        self._qualify(self.referrals[who], self.now, "")

    def review(self) -> None:
        for referral in self.referrals.values():
            for side, reward in referral.rewards.items():
                if reward.status == "pending":
                    reward.reasons = self._found(referral, side)
                    reward.status = "flagged" if reward.reasons else "approved"

    # --- Judging --------------------------------------------------------------------

    def _judge(self, event: Happening, due: Iterable[Happening] = ()) -> None:
        self.settle()
        for each in (*self._waiting_for(event), event):
            each.version = self.rules.version
            each.outcome = self._decide(each)
        self._take_back_at_once(event, due)
        self.settle()  # what went back to pending may be overdue

    def _decide(self, event: Happening) -> str:
        if event.reverses or event.said.name in self.rules.reversals:
            return self._take_back(event)
        return self._ordinary(event)

    def _ordinary(self, event: Happening) -> str:
        if event.said.name != self.rules.event:
            return "recorded"
        referral = self.referrals.get(event.said.who)
        if referral is None:
            return "unmatched"
        if referral.status in CLOSED:
            return "not_matched"
        in_time = self._in_time(event, referral)
        event.counts = in_time and meets(event, self.rules)
        if referral.status in SETTLED:
            return "recorded"
        if not event.counts:
            return "not_matched"
        if not self._reached(referral, self.rules):
            return "counted"
        return self._reach(referral, event)

    def _in_time(self, event: Happening, referral: Referral) -> bool:
        first = referral.created_at - timedelta(days=self.rules.match_days)
        if not first <= event.at <= referral.expires_at:
            return False
        clicked = referral.clicked_at
        return clicked is None or event.at >= clicked - CLOCKS_DIFFER

    def _reach(self, referral: Referral, event: Happening) -> str:
        referral.milestone = event
        holding = timedelta(days=self.rules.holding_days)
        if not holding:
            self._qualify(referral, self.now, event.said.id)
            return "qualified"
        self._move(referral, "holding", self.now, event.said.id)
        referral.holds_until = max(self.now, event.at) + holding
        return "holding"

    def _counting(self, referral: Referral) -> list[Happening]:
        theirs = (e for e in self.events.values() if e.said.who == referral.friend)
        return [event for event in theirs if event.counts]

    def _reached(self, referral: Referral, rules: Rules) -> bool:
        counting = self._counting(referral)
        if rules.sum is not None:
            return sum(event.net for event in counting) >= rules.sum
        return len(counting) >= (rules.count or 1)

    # --- Taking back ----------------------------------------------------------------

    def _take_back(self, event: Happening) -> str:
        if not event.reverses:
            referral = self.referrals.get(event.said.who)
            if referral is None or referral.milestone is None:
                return "unmatched"
            event.reverses = referral.milestone.said.id
        target = self.events.get(event.reverses)
        if target is None or not {event.said.who, target.said.who} <= set(self.people):
            return "unmatched"
        if not may_take_back(event, target):
            return "not_matched"
        target.taken.append(event)
        if target.counts:  # else nothing is lost that was not before
            target.counts = meets(target, self.versions[target.version])
            self._look_again(self.referrals.get(target.said.who), target, event)
        return "reversed"

    def _look_again(
        self, referral: Referral | None, target: Happening, event: Happening
    ) -> None:
        """Is what the referral reached still reached by what is left?"""
        if referral is None or referral.milestone is None:
            return
        if referral.status not in SETTLED:
            return
        rules = self.versions[referral.milestone.version]
        if self._reached(referral, rules):
            return
        if referral.status == "qualified":
            self._lose(referral, event)
        elif self._counting(referral) or not target.gone:
            self._reopen(referral, event.said.id)
        else:
            self._disqualify(referral, event.said.id)

    def _lose(self, referral: Referral, event: Happening) -> None:
        if self.rules.policy == "take_back":
            self._disqualify(referral, event.said.id)
        elif self.rules.policy == "ask":
            for side, reward in referral.rewards.items():
                if reward.status in ("pending", "approved"):
                    reward.reasons = self._found(referral, side)
                    reward.status = "flagged"
                if reward.status == "flagged":
                    reward.reasons.add(LOST)
                if reward.status == "issued":
                    reward.disputed = True

    def _take_back_at_once(self, event: Happening, due: Iterable[Happening]) -> None:
        """What names nothing, and waited for this milestone. Not whose turn comes."""
        referral = self.referrals.get(event.said.who)
        for each in self._unmatched():
            if referral is None or referral.milestone is not event:
                return
            theirs = each.said.who == event.said.who and each not in due
            nameless = not each.reverses and each.said.name in self.rules.reversals
            if theirs and nameless and each.at >= event.at:
                each.version = self.rules.version
                each.outcome = self._take_back(each)

    # --- Arriving -------------------------------------------------------------------

    def _arrived(self, who: str) -> None:
        """What waited for them is judged in the order in which it happened."""
        due = self._unmatched()
        while due:
            event = due.pop(0)
            target = self.events.get(event.reverses)
            theirs = who in (event.said.who, target and target.said.who)
            if theirs and event.outcome == "unmatched":
                self._judge(event, due)

    def _waiting_for(self, target: Happening) -> Iterator[Happening]:
        if target.said.who in self.people:
            for event in self._unmatched():
                if event.reverses == target.said.id:
                    yield event

    def _unmatched(self) -> list[Happening]:
        kept: Iterable[Happening] = self.events.values()
        waiting = (event for event in kept if event.outcome == "unmatched")
        return sorted(waiting, key=lambda event: (event.at, event.number))

    # --- Moves ----------------------------------------------------------------------

    def _move(self, referral: Referral, to: str, at: datetime, event: str = "") -> None:
        referral.moves.append((referral.status, to, at, event))
        referral.status = to
        referral.holds_until = None

    def _qualify(self, referral: Referral, at: datetime, event: str) -> None:
        self._move(referral, "qualified", at, event)
        referral.qualified_at = at
        for side in self.sides:
            reward = referral.rewards.setdefault(side, Reward())
            reward.disputed = False
            if reward.status == "cancelled":
                reward.status, reward.reasons = "pending", set()

    def _disqualify(self, referral: Referral, event: str) -> None:
        self._move(referral, "disqualified", self.now, event)
        for reward in referral.rewards.values():
            if reward.status in HELD_BACK:
                reward.status = "cancelled"
            elif reward.status == "issued":
                reward.disputed = True

    def _reopen(self, referral: Referral, event: str) -> None:
        self._move(referral, "pending", self.now, event)
        referral.qualified_at = referral.milestone = None

    def _found(self, referral: Referral, side: str) -> set[str]:
        """What review finds, beside what the side's own amount is found for."""
        doubt = {"doubtful_attribution"} if referral.doubtful else set()
        return self.sides[side] | doubt


def meets(event: Happening, rules: Rules) -> bool:
    """Everything that is asked of the event itself, on what is left of it."""
    if event.gone:
        return False
    if event.amount is not None and event.said.currency != CURRENCY:
        return False
    if rules.minimum is not None and event.net < rules.minimum:
        return False
    return CONDITIONS[rules.condition](event)


def may_take_back(event: Happening, target: Happening) -> bool:
    if event.said.who != target.said.who:
        return False
    if event.amount is None:
        return True
    return target.amount is not None and event.said.currency == target.said.currency
