"""Two workers at one backtest find each change once."""

from decimal import Decimal
from functools import partial

from referral_factory.backtests.models import Backtest
from referral_factory.backtests.rules import rules_of, tried_rules
from referral_factory.backtests.services import work_on_backtests
from tests.factories import make_backtest, make_campaign
from tests.races.together import at_once
from tests.steps import referred, report


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


RACES = [two_workers_at_one_backtest_find_each_change_once]
