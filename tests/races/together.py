"""Calls at the same moment, on connections of their own, with slow writes."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from time import sleep
from typing import Any

from django.db import connection

from referral_factory.errors import DomainError

TABLES = (
    "backtests_backtest",
    "referrals_campaign",
    "referrals_event",
    "referrals_participant",
    "referrals_referral",
    "rewards_reward",
    "webhooks_arrival",
    "webhooks_source",
)
PATIENCE = 30  # seconds


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each returned, or the DomainError that refused it; all else is raised."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET races.slow = 'yes'")
            barrier.wait(PATIENCE)
            return call()
        except DomainError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        running = [pool.submit(run, call) for call in calls]
        return [each.result(PATIENCE) for each in running]


def shortly_after(call: Callable[[], Any], seconds: float = 0.06) -> Callable[[], Any]:
    """While the other call holds what it needs, and has not come to its end."""

    def late() -> Any:
        sleep(seconds)
        return call()

    return late


@contextmanager
def slow_writes() -> Iterator[None]:
    """Sleep 50 ms before every write: what looks first and writes then, is caught.

    Only calls of `at_once` are slow; what a race sets up is not.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION sleep_first() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN IF current_setting('races.slow', true) = 'yes' THEN "
            "PERFORM pg_sleep(0.05); END IF; RETURN NEW; END $$"
        )
        for table in TABLES:
            cursor.execute(
                f"CREATE TRIGGER sleep_first BEFORE INSERT OR UPDATE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION sleep_first()"
            )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION sleep_first() CASCADE")
