"""What must come of the demo, computed from the purchase log and README.md alone.

Imports nothing of ours and shares no code with what plays the demo. Friends do not
touch each other's referrals, so each customer's story is told by itself.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

MINIMUM = LIMIT = 2000  # cents; a person looks at rewards above the limit
WITHIN = dt.timedelta(days=180)
MATCH = dt.timedelta(days=7)
FIRST, SECOND_WAVE = dt.date(1997, 1, 1), dt.date(1998, 6, 1)
MORNING, NOON, AFTERNOON, EVENING = 8, 12, 16, 20

ROADS = {3: "events by webhook", 6: "events by queue"}
STATUSES = ("pending", "holding", "qualified", "disqualified", "expired")
OUTCOMES = ("holding", "qualified", "recorded", "not_matched", "unmatched")
REWARDS = ("flagged", "approved", "rejected", "issued", "cancelled")
REASONS = (
    *("same_address_and_agent", "similar_mailbox"),
    *("doubtful_attribution", "amount_over_limit"),
)
MESSAGES = (
    *("campaign.launched", "participant.created", "event.unmatched"),
    *("referral.created", "referral.holding", "referral.qualified"),
    *("referral.disqualified", "referral.reopened", "referral.expired"),
    *("reward.created", "reward.flagged", "reward.approved", "reward.rejected"),
    *("reward.issued", "reward.cancelled"),
)

# When, what goes first at that time, by which line, and what happens.
Happening = tuple[dt.datetime, int, int, Callable[[dt.datetime], None]]


@dataclass(frozen=True)
class Line:
    number: int
    customer: int
    day: dt.date
    cents: int


@dataclass(eq=False)
class Event:
    cents: int | None
    occurred: dt.datetime
    is_refund: bool = False
    of: "Event | None" = None  # what a refund takes back
    outcome: str = ""
    refunds: list["Event"] = field(default_factory=list)
    fits: bool = False  # it reaches the milestone, or would stand in for what did

    @property
    def wholly_refunded(self) -> bool:
        parts = [refund.cents for refund in self.refunds]
        return bool(parts) and (None in parts or self.refunded >= (self.cents or 0))

    @property
    def refunded(self) -> int:
        return sum(refund.cents or 0 for refund in self.refunds)

    @property
    def counts(self) -> bool:
        return not self.wholly_refunded and (self.cents or 0) - self.refunded >= MINIMUM


@dataclass
class Referral:
    made: dt.datetime
    by_click: bool = False  # of the same morning
    status: str = "pending"
    held_until: dt.datetime | None = None
    milestone: Event | None = None


@dataclass
class Reward:
    side: str
    cents: int
    reasons: list[str]
    status: str
    disputed: bool = False


@dataclass
class Story:
    """One customer in the campaign: what happened to them, in order."""

    number: int
    reasons: list[str]
    seen: Counter[str]  # all totals, shared by all stories
    enrolled: bool = False
    referral: Referral | None = None
    events: list[Event] = field(default_factory=list)
    rewards: list[Reward] = field(default_factory=list)

    def enrol(self, now: dt.datetime, *, is_friend: bool) -> None:
        self.enrolled = True
        self.tell("participant.created")
        if is_friend:
            self.refer(now, by_click=self.number % 4 < 2)
        else:
            self.judge_again(now)

    def refer(self, now: dt.datetime, *, by_click: bool = False) -> None:
        self.referral = Referral(made=now, by_click=by_click)
        self.tell("referral.created")
        self.judge_again(now)

    def judge_again(self, now: dt.datetime) -> None:
        early = [event for event in self.events if event.outcome == "unmatched"]
        for event in sorted(early, key=lambda event: event.occurred):
            self.judge(event, now)

    def report(self, event: Event, now: dt.datetime) -> None:
        self.events.append(event)
        self.judge(event, now)
        if event.outcome == "unmatched":
            self.tell("event.unmatched")

    def judge(self, event: Event, now: dt.datetime) -> None:
        self.let_time_pass(now)
        if event.is_refund:
            self.take_back(event)
        else:
            event.outcome = self.outcome_of(event, now)

    def outcome_of(self, event: Event, now: dt.datetime) -> str:
        referral = self.referral
        if referral is None:
            return "unmatched"
        if referral.status in {"disqualified", "expired"}:
            return "not_matched"
        earliest = referral.made - MATCH * (not referral.by_click)
        in_time = earliest <= event.occurred <= referral.made + WITHIN
        event.fits = in_time and event.counts
        if referral.status != "pending":
            return "recorded"
        return self.reach(referral, event, now) if event.fits else "not_matched"

    def reach(self, referral: Referral, event: Event, now: dt.datetime) -> str:
        referral.milestone = event
        days = holding_days(now.date())
        if not days:
            self.qualify(referral, now)
            return "qualified"
        referral.status = "holding"
        referral.held_until = now + dt.timedelta(days=days)
        self.tell("referral.holding")
        return "holding"

    def qualify(self, referral: Referral, at: dt.datetime) -> None:
        referral.status = "qualified"
        self.tell("referral.qualified")
        for side, cents in (("advocate", advocate_earns(at.date())), ("friend", 500)):
            reasons = list(self.reasons)
            if cents > LIMIT:
                reasons.append("amount_over_limit")
            status = "flagged" if reasons else "approved"
            self.rewards.append(Reward(side, cents, reasons, status))
            self.tell("reward.created", f"reward.{status}")
            self.seen.update(f"flagged: {reason}" for reason in reasons)

    def take_back(self, refund: Event) -> None:
        referral = self.referral
        target = refund.of or (referral.milestone if referral else None)
        if target and refund not in target.refunds:
            target.refunds.append(refund)
        if target is None or not self.enrolled:
            refund.outcome = "unmatched"
            return
        refund.of, refund.outcome = target, "reversed"
        one_counts = any(event.fits and event.counts for event in self.events)
        if referral and target.fits and not one_counts:
            self.lose(referral, target)

    def lose(self, referral: Referral, last: Event) -> None:
        if referral.status == "holding" and not last.wholly_refunded:
            referral.status, referral.milestone = "pending", None
            self.tell("referral.reopened")
        elif referral.status in {"holding", "qualified"}:
            referral.status = "disqualified"
            self.tell("referral.disqualified")
            for reward in self.rewards:
                self.withdraw(reward)

    def withdraw(self, reward: Reward) -> None:
        if reward.status in {"flagged", "approved"}:
            reward.status = "cancelled"
            self.tell("reward.cancelled")
        elif reward.status == "issued":
            reward.disputed = True

    def let_time_pass(self, now: dt.datetime) -> None:
        referral = self.referral
        if referral is None:
            return
        due = referral.held_until
        if referral.status == "holding" and due and due <= now:
            self.qualify(referral, due)
        elif referral.status == "pending" and referral.made + WITHIN <= now:
            referral.status = "expired"
            self.tell("referral.expired")

    def close_month(self, now: dt.datetime) -> None:
        self.let_time_pass(now)
        for reward in self.rewards:
            if reward.status == "flagged" and self.number % 4 != 3:
                reward.status = "rejected" if self.number % 4 == 2 else "approved"
                self.tell(f"reward.{reward.status}")
            if reward.status == "approved":
                reward.status = "issued"
                self.tell("reward.issued")

    def tell(self, *messages: str) -> None:
        self.seen.update(f"message {message}" for message in messages)


def read(lines: Iterable[str]) -> list[Line]:
    found = []
    for number, text in enumerate(lines, start=1):
        _, customer, day, _, dollars = text.split()
        whole, _, part = dollars.partition(".")
        cents = int(whole) * 100 + int(part)
        date = dt.date(int(day[:4]), int(day[4:6]), int(day[6:]))
        found.append(Line(number, int(customer), date, cents))
    return found


def totals(lines: Iterable[str]) -> dict[str, int]:
    """Every number that the demo must end with, by name. Money is in cents."""
    log = read(lines)
    last = max(line.day for line in log)
    enrolments = days_of_enrolment(log)
    seen: Counter[str] = Counter({"message campaign.launched": 1})
    by_customer: dict[int, list[Line]] = {}
    for line in log:
        by_customer.setdefault(line.customer, []).append(line)
    closings = days_of_closing(last)
    stories = [
        tell_story(customer, lines, enrolments, closings, seen)
        for customer, lines in by_customer.items()
    ]
    count_sent(log, enrolments, last, seen)
    return summary(stories, seen)


def tell_story(
    number: int,
    lines: list[Line],
    enrolments: dict[int, dt.date],
    closings: list[dt.date],
    seen: Counter[str],
) -> Story:
    is_friend = has_advocate(number, enrolments)
    story = Story(number, reasons_of(number) if is_friend else [], seen)
    happenings = [
        *enrolment(story, enrolments[number], is_friend=is_friend),
        *reports(story, lines),
        *((at(day, EVENING), 1, 0, story.close_month) for day in closings),
    ]
    last = closings[-1]
    advocate = enrolments.get(number // 8, last)
    if number % 30 == 15 and advocate < enrolments[number] < SECOND_WAVE:
        happenings.append((at(SECOND_WAVE, MORNING), 1, 0, story.refer))
    for now, _, _, happen in sorted(happenings, key=lambda each: each[:3]):
        if now.date() <= last:
            happen(now)
    return story


def enrolment(story: Story, day: dt.date, *, is_friend: bool) -> Iterator[Happening]:
    def enrol(now: dt.datetime) -> None:
        story.enrol(now, is_friend=is_friend)

    yield at(day, MORNING), 0, 0, enrol


def reports(story: Story, lines: list[Line]) -> Iterator[Happening]:
    for line in lines:
        purchase = Event(line.cents, at(line.day, NOON))
        yield at(line.day, AFTERNOON), 0, line.number, reporting(story, purchase)
        refund, days = refund_of(line, purchase)
        if refund:
            day = line.day + dt.timedelta(days=days)
            refund.occurred = at(day, NOON)
            yield at(day, EVENING), 0, line.number, reporting(story, refund)


def reporting(story: Story, event: Event) -> Callable[[dt.datetime], None]:
    return lambda now: story.report(event, now)


def refund_of(line: Line, purchase: Event) -> tuple[Event | None, int]:
    """What is refunded of a line, and after how many days."""
    kind = line.number % 80
    days = {10: 5, 20: 5, 30: 20, 40: 20, 60: 60, 70: 3}.get(kind, 0)
    if not days:
        return None, 0
    cents = line.cents // 2 if kind in {20, 40} else None
    of = None if kind == 70 else purchase
    return Event(cents, purchase.occurred, is_refund=True, of=of), days


def days_of_closing(last: dt.date) -> list[dt.date]:
    one = dt.timedelta(days=1)
    days = [FIRST + one * n for n in range((last - FIRST).days + 1)]
    return [day for day in days if day == last or (day + one).month != day.month]


def count_sent(
    log: list[Line], enrolments: dict[int, dt.date], last: dt.date, seen: Counter[str]
) -> None:
    """What does not touch anybody's story: clicks, repeats and guests."""
    came = [number for number, day in enrolments.items() if day <= last]
    clicked = sum(n % 4 < 2 and has_advocate(n, enrolments) for n in came)
    seen["clicks"] = clicked + sum(n % 5 == 0 for n in came)
    seen["event duplicate"] = sum(line.number % 50 == 7 for line in log)
    guests = sum(line.number % 100 == 50 for line in log)
    seen["events"] += guests
    seen["event unmatched"] += guests
    seen["message event.unmatched"] += guests


def summary(stories: list[Story], seen: Counter[str]) -> dict[str, int]:
    for story in stories:
        seen["participants"] += story.enrolled
        if story.referral:
            seen["referrals"] += 1
            seen[f"referrals {story.referral.status}"] += 1
        for road in ("events", ROADS.get(story.number % 10, "events by API")):
            seen[road] += len(story.events)
        seen.update(f"event {event.outcome}" for event in story.events)
        for reward in story.rewards:
            seen[f"{reward.side} rewards {reward.status}"] += 1
            seen["issued rewards disputed"] += reward.disputed
            if reward.status == "issued":
                seen["issued, in cents"] += reward.cents
    return {name: seen[name] for name in names()}


def names() -> list[str]:
    return [
        *("participants", "clicks", "referrals"),
        *(f"referrals {status}" for status in STATUSES),
        *("events", "events by webhook", "events by queue"),
        *(f"event {outcome}" for outcome in (*OUTCOMES, "reversed", "duplicate")),
        *(f"{side} rewards {s}" for side in ("advocate", "friend") for s in REWARDS),
        *("issued rewards disputed", "issued, in cents"),
        *(f"flagged: {reason}" for reason in REASONS),
        *(f"message {message}" for message in MESSAGES),
        *("messages without a valid signature", "objects with a message missing"),
    ]


def days_of_enrolment(log: list[Line]) -> dict[int, dt.date]:
    first: dict[int, dt.date] = {}
    for line in log:
        first[line.customer] = min(line.day, first.get(line.customer, line.day))
    return {number: day + late(number) for number, day in first.items()}


def late(number: int) -> dt.timedelta:
    if number % 23 == 0:
        return dt.timedelta(days=5)
    return dt.timedelta(days=10 if number % 29 == 0 else 0)


def has_advocate(number: int, enrolments: dict[int, dt.date]) -> bool:
    advocate = number // 8
    if number % 3 == 0 or advocate not in enrolments:
        return False
    return enrolments[advocate] < enrolments[number]


def reasons_of(number: int) -> list[str]:
    """Why rewards for a friend with this number are flagged, both sides alike."""
    reasons = []
    if number % 17 == 0 and number % 4 < 2:
        reasons.append("same_address_and_agent")
    if number % 19 == 0:
        reasons.append("similar_mailbox")
    if number % 31 == 0 and number % 4 < 2:
        reasons.append("doubtful_attribution")
    return reasons


def holding_days(day: dt.date) -> int:
    return 0 if dt.date(1997, 6, 1) <= day < SECOND_WAVE else 14


def advocate_earns(day: dt.date) -> int:
    return 2500 if day in {dt.date(1997, 3, 8), dt.date(1997, 3, 9)} else 1000


def at(day: dt.date, hour: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), dt.UTC)
