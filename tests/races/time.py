"""Races of the clock: it is moved, swept by and overtaken by events at one moment."""

from datetime import timedelta
from functools import partial

from referrals.models import ReferralChange
from referrals.services.clock import advance_clock
from referrals.services.referrals import expire_referrals, qualify_held_referrals
from tests.factories import make_referral
from tests.races.races import own_copies, rewarding_campaign, told
from tests.races.together import at_once
from tests.steps import DAY, NOON, referred, report


def two_moves_of_a_clock_and_two_sweeps_do_each_referral_once() -> None:
    campaign = rewarding_campaign()
    for _ in range(3):
        make_referral(campaign=campaign, status="holding", holds_until=NOON + DAY)
        referred(campaign=campaign, expires_at=NOON + DAY)
    one, other = own_copies(campaign)

    at_once(
        partial(advance_clock, one, to=NOON + 2 * DAY, wall=NOON),
        partial(advance_clock, other, to=NOON + 2 * DAY, wall=NOON),
        partial(qualify_held_referrals, wall=NOON + DAY),
        partial(expire_referrals, wall=NOON + DAY),
    )

    messages = told(campaign)
    assert messages["referral.qualified"] == messages["referral.expired"] == 3
    assert messages["reward.created"] == 6
    changes = ReferralChange.objects.filter(referral__campaign=campaign)
    assert changes.count() == 6


def an_event_at_the_deadline_and_the_sweep_agree() -> None:
    referral = referred(campaign=rewarding_campaign(), expires_at=NOON)
    late = NOON + timedelta(seconds=1)

    recorded, *_swept = at_once(
        partial(report, referral.friend, occurred_at=NOON - DAY, wall=late),
        partial(expire_referrals, wall=late),
        partial(expire_referrals, wall=late),
    )

    assert recorded.outcome == "not_matched"
    assert told(referral.campaign)["referral.expired"] == 1
    assert ReferralChange.objects.filter(referral=referral).count() == 1


def an_event_and_the_end_of_holding_qualify_once() -> None:
    referral = referred(campaign=rewarding_campaign(holding_days=14))
    report(referral.friend, event_id="order-1")
    end = NOON + 14 * DAY

    recorded, *_swept = at_once(
        partial(report, referral.friend, event_id="order-2", wall=end),
        partial(qualify_held_referrals, wall=end),
        partial(qualify_held_referrals, wall=end),
    )

    referral.refresh_from_db()
    assert recorded.outcome == "recorded"
    assert referral.qualified_at == end
    assert told(referral.campaign)["referral.qualified"] == 1
    assert referral.rewards.count() == 2
    assert ReferralChange.objects.filter(referral=referral).count() == 2


RACES = [
    two_moves_of_a_clock_and_two_sweeps_do_each_referral_once,
    an_event_at_the_deadline_and_the_sweep_agree,
    an_event_and_the_end_of_holding_qualify_once,
]
