"""Plays the script against a running system, over HTTP only."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from demo.backend import THREADS, Backend, follow
from demo.queues import Consumer, Queue
from demo.receiver import Receiver
from demo.roads import ByApi, ByQueue, ByWebhook, Road, source_of
from demo.script import (
    ADDRESS,
    ADVOCATE_EARNS,
    CURRENCY,
    FIRST_DAY,
    HOLDING_DAYS,
    Customer,
    Day,
    Friend,
    Report,
    Script,
    by_customer,
    moment,
)

T = TypeVar("T")

MORNING, AFTERNOON, EVENING = 8, 16, 20
LONGEST_REVIEW = 180.0  # seconds until the system must have looked at new rewards
LONGEST_QUEUE = 60.0  # seconds until what is in the queue must be recorded
CURIOUS = "Mozilla/5.0 (demo; somebody curious)"
ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
SCOPES = {
    "people": ["participants:write", "referrals:write"],
    "shop": ["events:write"],
    "payouts": ["rewards:read", "rewards:review", "rewards:issue"],
}


class TooSlow(Exception):
    """The system did not do in time what it does by itself."""


@dataclass(frozen=True)
class Campaign:
    id: str
    slug: str
    advocate_rule: str
    endpoint: str


@dataclass(frozen=True)
class Person:
    """What the system told us about somebody when they were enrolled."""

    code: str
    url: str
    referral: str | None


class Player:
    """The shop: its people, its tills and its payouts, each with a key of its own."""

    def __init__(
        self,
        owner: Backend,
        script: Script,
        receiver: Receiver,
        queue: Queue | None = None,
    ) -> None:
        self.owner, self.script, self.receiver = owner, script, receiver
        self.queue = queue  # None: what would come by it comes by the API
        self.consumer: Consumer | None = None
        self.sent: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()  # by what they were spent on
        self.people: dict[int, Person] = {}
        self.friends: dict[str, int] = {}  # the customer's number, by referral
        self.threads = ThreadPoolExecutor(THREADS)

    def set_up(self, url: str) -> None:
        """A campaign of this run, launched, and a key for each part of the shop."""
        with self.timed("setting up"):
            self.campaign = launched(self.owner, self.receiver)
            self.keys = [narrow_key(self.owner, self.campaign, job) for job in SCOPES]
            secrets = [key["secret"] for key in self.keys]
            self.crm, self.shop, self.payouts = (Backend(url, key) for key in secrets)
            self.roads: dict[str, Road] = {
                "api": ByApi(self.shop, self.campaign.id),
                "webhook": ByWebhook(url, source_of(self.owner, self.campaign.id)),
            }
            if self.queue:
                self.roads["queue"] = ByQueue(self.queue)
                self.consumer = Consumer(self.queue, self.campaign.id)

    def play(self, tell: Callable[[Day], None]) -> None:
        for day in self.script.days.values():
            self.change_rules(day.date)
            if day.enrolments or day.second_wave:
                self.morning(day)
            if day.purchases:
                self.afternoon(day)
            if day.refunds or day.closes_month or self.ends_a_rule(day.date):
                self.evening(day)
            tell(day)

    def stop_queue(self) -> None:
        """The consumer says what it recorded; nobody else can, who only fills it."""
        if self.consumer:
            said = self.consumer.stop()
            self.count("event duplicate", said["known"])
            self.count("events by queue", said["recorded"])

    def clean_up(self) -> None:
        """Nobody listens any more, and nobody needs the keys."""
        self.owner.post(f"/endpoints/{self.campaign.endpoint}/disable")
        for key in self.keys:
            self.owner.post(f"/keys/{key['id']}/revoke")

    def close(self) -> None:
        """However it ended: nothing that we started stays."""
        self.threads.shutdown(cancel_futures=True)
        if self.consumer:
            self.consumer.kill()

    # --- The parts of a day ---------------------------------------------------------

    def change_rules(self, day: date) -> None:
        if day in HOLDING_DAYS:
            self.owner.patch(
                f"/campaigns/{self.campaign.id}", {"holding_days": HOLDING_DAYS[day]}
            )
        if day in ADVOCATE_EARNS:
            rule = f"/reward-rules/{self.campaign.advocate_rule}"
            self.owner.patch(rule, {"amount": ADVOCATE_EARNS[day]})

    def ends_a_rule(self, day: date) -> bool:
        """Whether what is due today must be settled before tomorrow's rules."""
        tomorrow = day + timedelta(days=1)
        return tomorrow in HOLDING_DAYS or tomorrow in ADVOCATE_EARNS

    def morning(self, day: Day) -> None:
        self.move_clock(day.date, MORNING)
        with self.timed("clicking and enrolling"):
            self.all_of(self.enrol, day.enrolments)
            self.all_of(self.refer_again, day.second_wave)

    def afternoon(self, day: Day) -> None:
        self.move_clock(day.date, AFTERNOON)
        with self.timed("reporting purchases"):
            self.all_of(self.report, by_customer(day.purchases))
            self.wait_for_queue()

    def evening(self, day: Day) -> None:
        self.move_clock(day.date, EVENING)
        with self.timed("reporting refunds"):
            self.all_of(self.refund, by_customer(day.refunds))
            self.wait_for_queue()
        if day.closes_month:
            self.close_month(day.date)

    def close_month(self, day: date) -> None:
        with self.timed("waiting for the system's review"):
            self.wait_for_review(campaign=self.campaign.id)
        with self.timed("reviewing and issuing"):
            self.all_of(self.decide, self.rewards("flagged"))
            self.all_of(self.issue(day), self.rewards("approved"))

    # --- What people do -------------------------------------------------------------

    def enrol(self, customer: Customer) -> None:
        friend = self.script.friend(customer)
        body: dict[str, Any] = {
            "campaign": self.campaign.id,
            "external_id": customer.external_id,
            "email": self.script.email(customer),
            "name": f"Customer {customer.number}",
            "address": ADDRESS,
            "user_agent": customer.browser,
        }
        if friend and not friend.customer.clicks_late:
            body["referred_by"] = self.claim(friend)
        shown = self.crm.post("/participants", body, named=True)
        self.count("participants")
        referral = shown["referred_by"] and shown["referred_by"]["referral"]
        person = Person(shown["code"], shown["link"]["url"], referral)
        self.people[customer.number] = person
        if person.referral:
            self.note_referral(person.referral, customer.number)
        elif friend:
            self.refer(friend, self.claim(friend))
        self.tempt(customer, person)

    def claim(self, friend: Friend) -> dict[str, str]:
        advocate = self.people[friend.advocate.number]
        if friend.customer.shows_click:
            return {"click": self.click(advocate, friend.browser_of_click)}
        if friend.customer.number % 4 == 2:
            return {"code": advocate.code}
        return {"external_id": friend.advocate.external_id}

    def click(self, advocate: Person, browser: str) -> str:
        click = follow(advocate.url, browser)
        if click is None:
            raise TooSlow(f"{advocate.url} left no click behind.")
        self.count("clicks")
        return click

    def tempt(self, customer: Customer, person: Person) -> None:
        if customer.tempts_the_curious:
            self.click(person, CURIOUS)
        if customer.tempts_robots:
            follow(person.url, ROBOT)

    def refer_again(self, friend: Friend) -> None:
        self.refer(friend, {"external_id": friend.advocate.external_id})

    def refer(self, friend: Friend, claim: dict[str, str]) -> None:
        body = {
            "campaign": self.campaign.id,
            "referred_by": claim,
            "friend": {"external_id": friend.customer.external_id},
        }
        shown = self.crm.post("/referrals", body, named=True)
        self.note_referral(shown["id"], friend.customer.number)

    def report(self, reports: list[Report]) -> None:
        for report in reports:
            for repeat in range(report.times):
                road = self.roads.get(report.road, self.roads["api"])
                outcome = road.report(report.body)
                self.count("events" if not repeat else "repeats")
                self.count("event duplicate", outcome == "duplicate")
                if report.road == "webhook":
                    self.count("events by webhook", not repeat)

    def refund(self, reports: list[Report]) -> None:
        person = self.people.get(reports[0].customer)
        if person and person.referral:
            # What a refund does to rewards must not depend on who is quicker.
            self.wait_for_review(referral=person.referral)
        self.report(reports)

    def wait_for_queue(self) -> None:
        """What comes later in the day must not overtake what is in the queue."""
        if self.consumer and not self.consumer.wait_until_done(LONGEST_QUEUE):
            raise TooSlow("The queue is not read. What does its consumer say, above?")

    # --- Rewards --------------------------------------------------------------------

    def wait_for_review(self, **which: str) -> None:
        deadline = time.monotonic() + LONGEST_REVIEW
        found = {"status": "pending", "limit": "1", **which}
        while self.payouts.get("/rewards", **found)["results"]:
            if time.monotonic() > deadline:
                raise TooSlow("Rewards are still pending. Is a worker running?")
            time.sleep(0.1)

    def rewards(self, status: str) -> list[dict[str, Any]]:
        which = {"campaign": self.campaign.id, "status": status}
        return list(self.payouts.every("/rewards", **which))

    def decide(self, reward: dict[str, Any]) -> None:
        number = self.friends[reward["referral"]]
        path = f"/rewards/{reward['id']}"
        if number % 4 in {0, 1}:
            self.payouts.post(f"{path}/approve", {"note": "They are two people."})
        elif number % 4 == 2:
            self.payouts.post(f"{path}/reject", {"note": "They are one person."})

    def issue(self, day: date) -> Callable[[dict[str, Any]], None]:
        def issue(reward: dict[str, Any]) -> None:
            body = {"reference": f"payout {day:%Y-%m}"}
            self.payouts.post(f"/rewards/{reward['id']}/issue", body)
            self.count(f"{reward['side']} rewards issued")
            self.count("issued, in cents", int(reward["amount"].replace(".", "")))

        return issue

    # --- Small things ---------------------------------------------------------------

    def move_clock(self, day: date, hour: int) -> None:
        with self.timed("moving the clock"):
            path = f"/campaigns/{self.campaign.id}/clock"
            self.owner.post(path, {"now": moment(day, hour)})

    def note_referral(self, referral: str, number: int) -> None:
        self.friends[referral] = number
        if number in self.people and not self.people[number].referral:
            known = self.people[number]
            self.people[number] = Person(known.code, known.url, referral)
        self.count("referrals")

    def all_of(self, do: Callable[[T], None], items: Iterable[T]) -> None:
        """Do it for each, several at once, and wait until all are done."""
        for _ in self.threads.map(do, items):
            pass

    def count(self, what: str, by: int = 1) -> None:
        self.sent.update({what: by})

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[what] += time.monotonic() - start  # type: ignore[assignment]


def launched(owner: Backend, receiver: Receiver) -> Campaign:
    slug = f"demo-{uuid4().hex[:8]}"
    campaign = owner.post("/campaigns", description(slug))["id"]
    owner.post(f"/campaigns/{campaign}/clock", {"now": moment(FIRST_DAY, 0)})
    rules = {
        side: owner.post(
            f"/campaigns/{campaign}/reward-rules",
            {"side": side, "amount": amount, "currency": CURRENCY},
        )["id"]
        for side, amount in (("advocate", "10.00"), ("friend", "5.00"))
    }
    endpoint = owner.post(
        "/endpoints",
        {"url": receiver.url, "description": slug, "campaigns": [campaign]},
    )
    receiver.expect(campaign, endpoint["secret"])
    owner.post(f"/campaigns/{campaign}/launch")
    return Campaign(campaign, slug, rules["advocate"], endpoint["id"])


def description(slug: str) -> dict[str, Any]:
    return {
        "name": f"CDNOW 1997 ({slug})",
        "slug": slug,
        "owner": "demo@example.com",
        "currency": CURRENCY,
        "landing_url": "https://shop.example/welcome",
        "milestone": {
            "event_name": "purchase",
            "minimum_amount": "20.00",
            "within_days": 180,
        },
        "holding_days": 14,
        "match_days": 7,
        "reversal_events": ["refund"],
        "review": {"amount_limit": "20.00"},
    }


def narrow_key(owner: Backend, campaign: Campaign, job: str) -> dict[str, Any]:
    """A key for this campaign that can do this job and no other."""
    body = {
        "name": f"{campaign.slug}: {job}",
        "scopes": SCOPES[job],
        "campaigns": [campaign.id],
    }
    return owner.post("/keys", body)
