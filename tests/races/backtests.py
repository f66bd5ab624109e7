"""Races of backtests: two workers at one, and more of them than may run."""

from decimal import Decimal
from functools import partial

from referral_factory.backtests.models import Backtest
from referral_factory.backtests.rules import rules_of, tried_rules
from referral_factory.backtests.services import (
    MOST,
    TooManyBacktests,
    queue_backtest,
    work_on_backtests,
)
from tests.factories import make_backtest, make_campaign
from tests.races.together import at_once
from tests.steps import NOON, referred, report


def two_workers_at_one_backtest_find_each_change_once() -> None:
    Backtest.objects.all().delete()  # of the round before: one is worked on at a time
    campaign = make_campaign()
    for _ in range(2):
        report(referred(campaign=campaign).friend, "15")
    tried = tried_rules(campaign, {"milestone_minimum": Decimal(10)})
    backtest = make_backtest(
        campaign=campaign,
        status="running",
        finished_at=None,
        tried=tried.as_json(),
        held=rules_of(campaign).as_json(),
    )

    at_once(partial(work_on_backtests), partial(work_on_backtests))

    backtest.refresh_from_db()
    assert (backtest.status, backtest.done_referrals) == ("done", 2)
    assert backtest.changes.count() == 2


def no_more_backtests_run_than_may() -> None:
    campaign = make_campaign()
    running = {"status": "running", "finished_at": None, "campaign": campaign}
    for _ in range(MOST - 1):
        make_backtest(**running)
    tried = tried_rules(campaign, {"milestone_minimum": Decimal(10)})
    call = partial(queue_backtest, campaign, NOON, tried=tried, by="user:ann")

    answers = at_once(*[call] * 4)

    refused = [each for each in answers if isinstance(each, TooManyBacktests)]
    assert len(refused) == 3
    assert campaign.backtests.filter(status="running").count() == MOST
    campaign.backtests.all().delete()


RACES = [
    two_workers_at_one_backtest_find_each_change_once,
    no_more_backtests_run_than_may,
]
