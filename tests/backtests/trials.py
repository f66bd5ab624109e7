"""Backtests for tests, in one short call each."""

from decimal import Decimal
from typing import Any

from referral_factory.backtests.models import Backtest, BacktestChange
from referral_factory.backtests.rules import RewardTerms, tried_rules
from referral_factory.backtests.serializers import result_of
from referral_factory.backtests.services import start_backtest, work_on_backtests
from referrals.models import Campaign
from tests.steps import NOON


def tried(campaign: Campaign, **changes: Any) -> Backtest:
    """What came of trying these changes of a campaign's rules on all of its past.

    `rewards`, `begins_at`, `ends_at` and `wall` are not columns, the others are.
    """
    rewards, wall = changes.pop("rewards", None), changes.pop("wall", NOON)
    period = {n: changes.pop(n, None) for n in ("begins_at", "ends_at")}
    backtest = start_backtest(
        campaign,
        tried=tried_rules(campaign, changes, rewards),
        by="user:ann",
        clock=lambda: wall,
        **period,
    )
    running = Backtest.Status.RUNNING
    while backtest.status == running and work_on_backtests(clock=lambda: wall):
        backtest.refresh_from_db()
    return backtest


def to_advocate(amount: str) -> RewardTerms:
    return RewardTerms("advocate", "fixed", Decimal(amount), "USD")


def to_friend(amount: str) -> RewardTerms:
    return RewardTerms("friend", "fixed", Decimal(amount), "USD")


def qualified(backtest: Backtest) -> dict[str, int]:
    found: dict[str, int] = result_of(backtest)["qualified"]
    return found


def cost(backtest: Backtest) -> list[str]:
    costs = result_of(backtest)["cost"]
    return [f"{each['really']} -> {each['tried']} {each['currency']}" for each in costs]


def only_change(backtest: Backtest) -> BacktestChange:
    return backtest.changes.get()


def no(side: dict[str, Any]) -> list[str]:
    """The questions that were answered with no."""
    return [check["check"] for check in side["explanation"] if not check["passed"]]
