"""What the shop's backend does on which day: README.md's rule, applied to the log."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

FIRST_DAY = date(1997, 1, 1)
CURRENCY = "USD"
DOMAIN = "example.com"
ADDRESS = "127.0.0.1"

# From the morning of a day on: the holding period, and what an advocate earns.
HOLDING_DAYS = {date(1997, 6, 1): 0, date(1998, 6, 1): 14}
ADVOCATE_EARNS = {date(1997, 3, 8): "25.00", date(1997, 3, 10): "10.00"}
SECOND_WAVE = date(1998, 6, 1)

# By the last digit of a customer's number.
ROADS = {3: "webhook", 6: "queue"}

# By the remainder of a line's number by 80: days until its refund, and how much.
REFUNDS = {
    10: (5, "all"),
    20: (5, "half"),
    30: (20, "all"),
    40: (20, "half"),
    60: (60, "all"),
    70: (3, "unnamed"),
}


@dataclass(frozen=True)
class Customer:
    number: int
    first_purchase: date

    @property
    def external_id(self) -> str:
        return f"cdnow-{self.number:04}"

    @property
    def browser(self) -> str:
        return f"Mozilla/5.0 (demo; browser of customer {self.number})"

    @property
    def enrolled_on(self) -> date:
        days = 10 if self.number % 29 == 0 else 0
        days = 5 if self.number % 23 == 0 else days
        return self.first_purchase + timedelta(days=days)

    @property
    def shows_click(self) -> bool:
        return self.number % 4 in {0, 1}

    @property
    def clicks_late(self) -> bool:
        return self.shows_click and self.number % 31 == 0

    @property
    def tempts_the_curious(self) -> bool:
        return self.number % 5 == 0

    @property
    def tempts_robots(self) -> bool:
        return self.number % 50 == 0


@dataclass(frozen=True)
class Friend:
    """A customer who comes by an advocate."""

    customer: Customer
    advocate: Customer

    @property
    def browser_of_click(self) -> str:
        of_advocate = self.customer.number % 17 == 0
        return (self.advocate if of_advocate else self.customer).browser


@dataclass(frozen=True)
class Report:
    """An event, in the words of the API, and whom it is about."""

    customer: int  # guests have numbers below zero
    body: dict[str, Any]
    times: int = 1

    @property
    def road(self) -> str:
        """The one that all events of this customer come in by, in their order."""
        return ROADS.get(self.customer % 10, "api") if self.customer > 0 else "api"


@dataclass
class Day:
    """All that happens on one day, in three parts."""

    date: date
    enrolments: list[Customer] = field(default_factory=list)
    second_wave: list[Friend] = field(default_factory=list)
    purchases: list[Report] = field(default_factory=list)
    refunds: list[Report] = field(default_factory=list)
    closes_month: bool = False


class Script:
    """The whole story, day by day."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.customers: dict[int, Customer] = {}
        self.days: dict[date, Day] = {}
        rows = [line.split() for line in lines]
        bought_on = [datetime.strptime(row[2], "%Y%m%d").date() for row in rows]  # noqa: DTZ007 - a day, not a moment
        self.last_day = max(bought_on)
        self._make_days()
        for row, day in zip(rows, bought_on, strict=True):
            self._meet(int(row[1]), day)
        for number, (row, day) in enumerate(zip(rows, bought_on, strict=True), start=1):
            self._sell(number, self.customers[int(row[1])], day, row[3], row[4])
        for customer in self.customers.values():
            self._enrol(customer)
        self._refer_again()

    def friend(self, customer: Customer) -> Friend | None:
        """The customer as a friend, if they are one by the rule."""
        advocate = self.customers.get(customer.number // 8)
        if customer.number % 3 == 0 or advocate is None:
            return None
        if advocate.enrolled_on >= customer.enrolled_on:
            return None
        return Friend(customer, advocate)

    def email(self, customer: Customer) -> str:
        friend = self.friend(customer)
        if friend and customer.number % 19 == 0:
            local, _, _ = self.email(friend.advocate).partition("@")
            return f"{local}+{customer.number}@{DOMAIN}"
        return f"c{customer.number:04}.cdnow@{DOMAIN}"

    def _make_days(self) -> None:
        day = FIRST_DAY
        while day <= self.last_day:
            tomorrow = day + timedelta(days=1)
            closes = tomorrow.day == 1 or day == self.last_day
            self.days[day] = Day(day, closes_month=closes)
            day = tomorrow

    def _meet(self, number: int, day: date) -> None:
        known = self.customers.get(number)
        if known is None or day < known.first_purchase:
            self.customers[number] = Customer(number, day)

    def _sell(
        self, number: int, customer: Customer, day: date, cds: str, dollars: str
    ) -> None:
        report = Report(
            customer.number,
            {
                "event_id": f"line-{number:05}",
                "name": "purchase",
                "participant": self._named(customer, by_email=number % 2 == 1),
                "occurred_at": noon(day),
                "amount": dollars,
                "currency": CURRENCY,
                "properties": {"cds": int(cds)},
            },
            times=2 if number % 50 == 7 else 1,
        )
        self.days[day].purchases.append(report)
        if number % 100 == 50:
            self.days[day].purchases.append(of_guest(report, number))
        self._refund(number, report, day)

    def _refund(self, number: int, report: Report, day: date) -> None:
        if number % 80 not in REFUNDS:
            return
        after, part = REFUNDS[number % 80]
        body = {
            "event_id": f"refund-{number:05}",
            "name": "refund",
            "participant": self._named(self.customers[report.customer]),
            "occurred_at": noon(day + timedelta(days=after)),
        }
        if part != "unnamed":
            body["reverses"] = report.body["event_id"]
        if part == "half":
            cents = int(Decimal(report.body["amount"]) * 100) // 2
            body |= {"amount": f"{Decimal(cents) / 100:.2f}", "currency": CURRENCY}
        if day + timedelta(days=after) <= self.last_day:
            refund = Report(report.customer, body)
            self.days[day + timedelta(days=after)].refunds.append(refund)

    def _named(self, customer: Customer, *, by_email: bool = False) -> dict[str, str]:
        if by_email:
            return {"email": self.email(customer)}
        return {"external_id": customer.external_id}

    def _enrol(self, customer: Customer) -> None:
        if customer.enrolled_on <= self.last_day:
            self.days[customer.enrolled_on].enrolments.append(customer)

    def _refer_again(self) -> None:
        if SECOND_WAVE not in self.days:
            return
        for customer in self.customers.values():
            advocate = self.customers.get(customer.number // 8)
            if customer.number % 30 != 15 or advocate is None:
                continue
            if advocate.enrolled_on < customer.enrolled_on < SECOND_WAVE:
                friend = Friend(customer, advocate)
                self.days[SECOND_WAVE].second_wave.append(friend)


def of_guest(report: Report, number: int) -> Report:
    """The same purchase, of somebody who is never enrolled."""
    named = {"external_id": f"guest-{number}"}
    body = report.body | {"event_id": f"guest-{number:05}", "participant": named}
    return Report(-number, body)


def by_customer(reports: list[Report]) -> list[list[Report]]:
    """Those of one customer stay in order; those of several may go side by side."""
    groups: dict[int, list[Report]] = defaultdict(list)
    for report in reports:
        groups[report.customer].append(report)
    return list(groups.values())


def noon(day: date) -> str:
    return moment(day, 12)


def moment(day: date, hour: int) -> str:
    return datetime.combine(day, time(hour), UTC).isoformat()
