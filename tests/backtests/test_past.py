"""What happened is taken as it was: by whom, in which order, by which rules."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from referral_factory.backtests.models import Backtest
from referral_factory.backtests.services import purge_backtests, work_on_backtests
from referrals.models import Campaign, Participant, Referral
from referrals.services.campaigns import change_campaign
from referrals.services.referrals import (
    disqualify_referral,
    qualify_referral,
    reconsider_referral,
    settle_campaign,
)
from rewards.models import Reward
from rewards.services.issuing import cancel_reward
from tests.backtests.trials import cost, no, only_change, to_advocate, to_friend, tried
from tests.factories import make_backtest, make_campaign, make_referral, make_rule
from tests.steps import DAY, NOON, referred, refund, report


@pytest.fixture
def campaign() -> Campaign:
    campaign = make_campaign(reversal_events=["refund"])
    make_rule(campaign=campaign)
    return campaign


def friend_who_paid(campaign: Campaign, *amounts: str) -> Referral:
    referral = referred(campaign=campaign)
    for amount in amounts:
        report(referral.friend, amount)
    referral.refresh_from_db()
    return referral


def changed(campaign: Campaign, **changes: object) -> Campaign:
    return change_campaign(campaign, by="user:ann", **changes)


def differs(backtest: Backtest) -> bool:
    really, tried = backtest.counts["really"], backtest.counts["tried"]
    return really != tried or backtest.changes.exists()


# --- By which rules ---


def test_rules_that_changed_meanwhile_make_no_difference(campaign: Campaign) -> None:
    friend_who_paid(campaign, "25")
    campaign = changed(campaign, milestone_minimum=Decimal(100))
    friend_who_paid(campaign, "25")
    campaign = changed(campaign, milestone_count=2, milestone_minimum=None)
    friend_who_paid(campaign, "25", "25")

    assert not differs(tried(campaign))


def test_what_is_not_tried_is_what_it_was_then(campaign: Campaign) -> None:
    first = friend_who_paid(campaign, "25")
    campaign = changed(campaign, milestone_minimum=Decimal(10), holding_days=14)
    friend_who_paid(campaign, "25")

    backtest = tried(campaign, milestone_minimum=Decimal(30))

    assert backtest.counts["really"] == {"qualified": 1, "holding": 1}
    assert backtest.counts["tried"] == {"pending": 2}
    assert first.pk in {change.referral_id for change in backtest.changes.all()}


def test_a_sum_is_tried_instead_of_the_count_that_was(campaign: Campaign) -> None:
    campaign = changed(campaign, milestone_count=3, milestone_minimum=None)
    friend_who_paid(campaign, "60", "60")

    backtest = tried(campaign, milestone_count=None, milestone_sum=Decimal(100))

    assert only_change(backtest).kind == "qualifies"


def test_a_condition_may_ask_about_people(campaign: Campaign) -> None:
    gold = friend_who_paid(campaign, "25").friend
    Participant.objects.filter(pk=gold.pk).update(attributes={"plan": "gold"})
    lost = friend_who_paid(campaign, "25")

    backtest = tried(campaign, milestone_condition='friend.attributes.plan == "gold"')

    change = only_change(backtest)
    assert change.referral == lost
    assert no(change.why["tried"]) == ["condition"]
    assert "saw" not in str(change.why)


# --- By whom ---


def test_what_people_decided_stays(campaign: Campaign) -> None:
    """Whatever the rules had made of it before."""
    by_hand = friend_who_paid(campaign, "5")
    qualify_referral(by_hand, now=NOON, by="user:ann", reason="A good customer.")
    refused = friend_who_paid(campaign, "25")
    disqualify_referral(refused, now=NOON, by="user:ann", reason="It was himself.")
    again = friend_who_paid(campaign, "25")
    disqualify_referral(again, now=NOON, by="user:ann", reason="It looked odd.")
    reconsider_referral(again, by="user:ann", wall=NOON, reason="It was not.")
    report(again.friend, "25", wall=NOON + DAY)

    assert not differs(tried(campaign, wall=NOON + DAY))
    lower = tried(campaign, milestone_minimum=Decimal(1), wall=NOON + DAY)
    assert not lower.changes.exists()


def test_a_reward_that_somebody_refused_is_given_by_no_rules(
    campaign: Campaign,
) -> None:
    friend_who_paid(campaign, "25")
    cancel_reward(Reward.objects.get(), by="user:ann", wall=NOON, note="No, sorry.")

    backtest = tried(campaign, rewards=(to_advocate("30"), to_friend("5")))

    assert cost(backtest) == ["0.00 -> 5.00 USD"]


def test_nobody_who_is_blocked_is_given_anything(campaign: Campaign) -> None:
    missed = friend_who_paid(campaign, "15")
    blocked = Participant.Status.BLOCKED
    Participant.objects.filter(pk=missed.advocate_id).update(status=blocked)

    backtest = tried(campaign, milestone_minimum=Decimal(10))

    assert only_change(backtest).kind == "qualifies"
    assert cost(backtest) == []


def test_other_rewards_change_what_counts_already(campaign: Campaign) -> None:
    friend_who_paid(campaign, "25")

    assert cost(tried(campaign, rewards=(to_advocate("12"), to_friend("3")))) == [
        "10.00 -> 15.00 USD"
    ]
    assert cost(tried(campaign, rewards=())) == ["10.00 -> 0.00 USD"]


def test_rewards_that_were_granted_stay_where_none_are_tried(
    campaign: Campaign,
) -> None:
    friend_who_paid(campaign, "25")
    rule = campaign.reward_rules.get()
    rule.amount = Decimal(99)
    rule.save()
    friend_who_paid(campaign, "15")

    backtest = tried(campaign, milestone_minimum=Decimal(10))

    assert cost(backtest) == ["10.00 -> 109.00 USD"]


# --- In which order ---


@pytest.mark.parametrize("policy", ["take_back", "ask", "keep"])
def test_refunds_are_judged_by_the_policy_that_is_tried(
    campaign: Campaign, policy: str
) -> None:
    referral = friend_who_paid(campaign, "25")
    refund(referral.friend)
    stays = policy != "take_back"

    backtest = tried(campaign, reversal_policy=policy)

    assert backtest.counts["really"] == {"disqualified": 1}
    assert backtest.counts["tried"] == (
        {"qualified": 1} if stays else {"disqualified": 1}
    )


def test_a_refund_that_came_first_is_taken_off(campaign: Campaign) -> None:
    referral = referred(campaign=campaign)
    refund(referral.friend, "10", reverses="order-x")
    report(referral.friend, "25", event_id="order-x")

    assert not differs(tried(campaign))
    assert tried(campaign, milestone_minimum=Decimal(15)).changes.count() == 1
    assert not tried(campaign, milestone_minimum=Decimal(16)).changes.exists()


# --- Large ones ---


@pytest.fixture
def large(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """In chunks of two; nothing is done at once."""
    monkeypatch.setattr("referral_factory.backtests.history.CHUNK", 2)
    monkeypatch.setattr("referral_factory.backtests.trial.CHUNK", 2)
    monkeypatch.setattr("referral_factory.backtests.services.AT_ONCE", 0.0)
    for _ in range(5):
        friend_who_paid(campaign, "15")
    return campaign


def started(campaign: Campaign) -> Backtest:
    backtest = make_backtest(campaign=campaign, status="running", finished_at=None)
    backtest.tried["milestone"]["minimum_amount"] = "10"
    backtest.tried["changed"] = ["minimum"]
    backtest.save()
    return backtest


def test_work_of_a_worker_that_is_gone_is_taken_over(large: Campaign) -> None:
    backtest = started(large)
    assert work_on_backtests(clock=lambda: NOON, seconds=0)
    Backtest.objects.update(lease_until=NOON + timedelta(seconds=20))  # and it died

    assert not work_on_backtests(clock=lambda: NOON)
    assert work_on_backtests(clock=lambda: NOON + timedelta(seconds=21))

    backtest.refresh_from_db()
    assert (backtest.status, backtest.done_referrals) == ("done", 5)
    assert backtest.changes.count() == 5


def test_what_time_decides_meanwhile_is_no_difference(large: Campaign) -> None:
    """Holding periods that end between the first chunk and the last."""
    campaign = change_campaign(large, holding_days=14)
    for _ in range(3):
        friend_who_paid(campaign, "30")
    backtest = make_backtest(campaign=campaign, status="running", finished_at=None)
    assert work_on_backtests(clock=lambda: NOON, seconds=0)
    later = NOON + 20 * DAY

    settle_campaign(campaign, wall=later)
    work_on_backtests(clock=lambda: later)

    backtest.refresh_from_db()
    assert (backtest.status, backtest.changes.count()) == ("done", 0)


def test_one_that_is_cancelled_meanwhile_keeps_nothing_more(large: Campaign) -> None:
    backtest = started(large)
    asked = iter([NOON, NOON, None])

    def clock() -> object:
        if (now := next(asked)) is None:
            Backtest.objects.update(status="cancelled", finished_at=NOON)
        return now or NOON

    work_on_backtests(clock=clock)  # type: ignore[arg-type]

    assert backtest.changes.count() == 2


def test_a_chunk_takes_as_many_statements_however_much_happened(
    campaign: Campaign,
) -> None:
    friend_who_paid(campaign, "15")
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(
            connection,
        ) as statements:
            tried(campaign, milestone_minimum=Decimal(10))
        counts.append(len(statements))
        for _ in range(10):
            friend_who_paid(campaign, "15", "15", "15")

    assert counts[0] == counts[1]


# --- Afterwards ---


def test_old_ones_are_forgotten(campaign: Campaign) -> None:
    friend_who_paid(campaign, "15")
    tried(campaign, milestone_minimum=Decimal(10))

    purge_backtests(wall=NOON + 89 * DAY)
    assert Backtest.objects.exists()
    purge_backtests(wall=NOON + 91 * DAY)
    assert not Backtest.objects.exists()


def test_nothing_of_a_person_is_in_what_is_kept(campaign: Campaign) -> None:
    referral = make_referral(campaign=campaign, created_at=NOON - DAY)
    disqualify_referral(referral, now=NOON, by="user:ann", reason="It was himself.")
    reconsider_referral(referral, by="user:ann", wall=NOON, reason="Not himself.")
    report(referral.friend, "15", properties={"note": "for mum"})
    backtest = tried(campaign, milestone_minimum=Decimal(10))

    kept = str(backtest.changes.values().get())
    marks = [referral.friend.email, referral.friend.external_id, "for mum"]
    for mark in [*marks, "himself"]:
        assert str(mark) not in kept
