"""A backtest of everything that happened in a campaign, beside only reading it.

One process judges each event again by other rules: a higher minimum, of which three are
asked for. Its limit reads the same events, as rows, and does nothing with them.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import cache, partial

from django.db import connection
from django.utils import timezone

from bench.figures import Figure, compare, figure
from bench.load import Round
from bench.rows import USD
from referral_factory.backtests.models import Backtest
from referral_factory.backtests.rules import tried_rules
from referral_factory.backtests.services import start_backtest, work_on_backtests
from referrals.models import Campaign, Participant, Referral
from referrals.services.events import Report, record_events
from referrals.services.rules import keep_version
from rewards.models import Side
from rewards.services.rules import create_rule

FRIENDS = 2_000
EACH = 10  # events
TRIED = {"milestone_minimum": Decimal(30), "milestone_count": 3}
AMOUNTS = [Decimal(amount) for amount in ("12.50", "25.00", "40.00")]


@figure("backtest")
def backtest() -> Figure:
    """Events a second, from the request to the last change written.

    The database takes its part of the time; `on_a_core` is without it, by the time that
    our own process was at work.
    """
    spent: list[float] = []
    found = compare(
        partial(judge_again, spent),
        read_only,
        unit="events per second",
        of="only reading them",
        code=read_rows,
    )
    ours = FRIENDS * EACH / statistics.median(spent)
    return replace(found, notes={"on_a_core": f"{ours:.0f}/s"})


def judge_again(spent: list[float], seconds: float) -> Round:
    """As often as there is time for; notes what each took of a core."""

    def once() -> int:
        started = time.process_time()
        events = _backtested()
        spent.append(time.process_time() - started)
        return events

    return _repeated(seconds, once)


def read_only(seconds: float) -> Round:
    return _repeated(seconds, read_rows)


def read_rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, event_id, name, amount, currency, occurred_at::text, "
            "received_at::text FROM referrals_event WHERE campaign_id = %s",
            [past().pk],
        )
        return len(cursor.fetchall())


def _repeated(seconds: float, does: Callable[[], int]) -> Round:
    """Once at least, and as often as there is time for."""
    past()
    calls = events = 0
    started = time.perf_counter()
    while not calls or time.perf_counter() - started < seconds:
        events += does()
        calls += 1
    return Round(events / (time.perf_counter() - started), calls)


def _backtested() -> int:
    campaign = past()
    asked = start_backtest(campaign, tried=tried_rules(campaign, TRIED), by="bench")
    while asked.status == Backtest.Status.RUNNING:
        work_on_backtests()
        asked.refresh_from_db()
    if asked.done_events != FRIENDS * EACH or not asked.changes.exists():
        raise RuntimeError(f"{asked.done_events} events: {asked.counts}")
    return asked.done_events


@cache
def past() -> Campaign:
    """A campaign whose friends bought ten times each."""
    campaign = _campaign()
    people = [_person(campaign, n) for n in range(2 * FRIENDS)]
    Participant.objects.bulk_create(people, batch_size=2000)
    now = timezone.now()
    Referral.objects.bulk_create(
        Referral(
            campaign=campaign,
            advocate=people[FRIENDS + n],
            friend=people[n],
            way=Referral.Way.CODE,
            created_at=now,
            expires_at=now + timedelta(days=90),
        )
        for n in range(FRIENDS)
    )
    for n in range(EACH):
        record_events(campaign, [_order(k, n) for k in range(FRIENDS)], wall=now)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return campaign


def _campaign() -> Campaign:
    campaign = Campaign.objects.create(
        mode=Campaign.Mode.LIVE,
        status=Campaign.Status.LIVE,
        launched_at=timezone.now(),
        name="Past",
        slug="past",
        currency=USD,
        milestone_event="purchase",
        milestone_minimum=Decimal(20),
    )
    keep_version(campaign, "user:bench")
    for side in Side:
        create_rule(
            campaign, side=side, amount=Decimal(10), currency=USD, by="user:bench"
        )
    return campaign


def _person(campaign: Campaign, n: int) -> Participant:
    return Participant(campaign=campaign, external_id=f"past-{n}")


def _order(friend: int, n: int) -> Report:
    amount = AMOUNTS[(friend + n) % len(AMOUNTS)]
    return Report(
        event_id=f"order-{friend}-{n}",
        name="purchase" if n % 5 else "visit",
        participant={"external_id": f"past-{friend}"},
        amount=amount,
        currency=USD,
    )
