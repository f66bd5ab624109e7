"""Judging one event by a condition of four clauses, in this process."""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

from bench.figures import ROUNDS, SECONDS, Figure, figure
from referrals.conditions import holds
from referrals.facts import Check, EventFacts, Facts, PersonFacts, ReferralFacts

MICRO = 1_000_000
LIMIT = 50.0  # microseconds
AT_ONCE = 500
CONDITION = """
event.amount >= 50
&& event.properties.plan in ["pro", "team"]
&& friend.attributes.country == "DE"
&& event.occurred_at - referral.created_at < duration("720h")
"""


def facts(now: datetime) -> Facts:
    """An event of which every clause is true, so that all four are asked."""
    return Facts(
        event=EventFacts(
            "order",
            Decimal("60.00"),
            "USD",
            now,
            properties={"plan": "pro", "items": [{"sku": "A-1"}], "channel": "web"},
        ),
        person_known=True,
        referral=ReferralFacts("pending", now, now),
        friend=PersonFacts("c-1", None, "active", "api", {"country": "DE"}, now),
    )


def in_python(facts: Facts) -> bool:
    """The same, written in Python: how much of the time is the language's."""
    event, friend, referral = facts.event, facts.friend, facts.referral
    return bool(
        event.net >= 50
        and event.properties["plan"] in ["pro", "team"]
        and friend
        and friend.attributes["country"] == "DE"
        and referral
        and (event.occurred_at - referral.created_at).total_seconds() < 720 * 3600
    )


@figure("condition_eval")
def condition_eval() -> Figure:
    """Microseconds of one event, all that decisions keep of it included."""
    known = facts(datetime.now(UTC))

    def ours() -> Check:
        return holds(CONDITION, known)

    if not ours().passed:
        raise RuntimeError(ours().detail)
    rounds = [_micros(ours) for _ in range(ROUNDS)]
    plain = [_micros(lambda: in_python(known)) for _ in range(ROUNDS)]
    return Figure(
        value=statistics.median(rounds),
        unit="microseconds",
        limit=LIMIT,
        of="the goal (less is better)",
        details={"condition": CONDITION, "ours": rounds, "in_python": plain},
        notes={"in_python": f"{statistics.median(plain):.3g}us"},
    )


def _micros(judge: Callable[[], object]) -> float:
    """The processor's time for one, measured over many."""
    spent, done = 0.0, 0
    end = time.perf_counter() + SECONDS / ROUNDS
    while time.perf_counter() < end:
        started = time.thread_time()
        for _ in range(AT_ONCE):
            judge()
        spent += time.thread_time() - started
        done += AT_ONCE
    return spent / done * MICRO
