"""Other rules on the same past: who would have counted, and why."""

from decimal import Decimal

import pytest

from referral_factory.backtests.models import Backtest
from referrals.models import Campaign, Referral
from referrals.services.referrals import settle_campaign
from tests.backtests.trials import cost, no, only_change, qualified, tried
from tests.factories import make_campaign, make_rule
from tests.steps import DAY, NOON, enrol, referred, refund, report


@pytest.fixture
def campaign() -> Campaign:
    """From 20 USD on it counts, and gives 10 to the advocate."""
    campaign = make_campaign(reversal_events=["refund"])
    make_rule(campaign=campaign)
    return campaign


def friend_who_paid(campaign: Campaign, *amounts: str) -> Referral:
    referral = referred(campaign=campaign)
    for amount in amounts:
        report(referral.friend, amount)
    referral.refresh_from_db()
    return referral


def test_a_lower_minimum_lets_more_count(campaign: Campaign) -> None:
    friend_who_paid(campaign, "25")
    missed = friend_who_paid(campaign, "15")

    backtest = tried(campaign, milestone_minimum=Decimal(10))

    assert qualified(backtest) == {"really": 1, "tried": 2, "more": 1, "fewer": 0}
    change = only_change(backtest)
    assert change.referral == missed
    assert (change.kind, change.really, change.tried) == (
        "qualifies",
        "pending",
        "qualified",
    )
    assert no(change.why["really"]) == ["amount_reached"]
    assert no(change.why["tried"]) == []
    assert change.why["event"] == missed.friend.events.get().public_id
    assert cost(backtest) == ["10.00 -> 20.00 USD"]


def test_a_higher_minimum_lets_fewer_count(campaign: Campaign) -> None:
    lost = friend_who_paid(campaign, "25")
    friend_who_paid(campaign, "60")

    backtest = tried(campaign, milestone_minimum=Decimal(50))

    assert qualified(backtest) == {"really": 2, "tried": 1, "more": 0, "fewer": 1}
    change = only_change(backtest)
    assert (change.referral, change.kind, change.tried) == (
        lost,
        "no_longer",
        "pending",
    )
    assert no(change.why["tried"]) == ["amount_reached"]
    assert cost(backtest) == ["20.00 -> 10.00 USD"]


def test_rules_as_they_are_change_nothing(campaign: Campaign) -> None:
    for amounts in (["25"], ["15"], ["15", "30"], []):
        friend_who_paid(campaign, *amounts)
    taken_back = friend_who_paid(campaign, "25")
    refund(taken_back.friend)

    backtest = tried(campaign)

    assert backtest.counts["really"] == backtest.counts["tried"]
    assert not backtest.changes.exists()
    assert cost(backtest) == ["20.00 -> 20.00 USD"]


def test_a_count_asks_for_more_events(campaign: Campaign) -> None:
    friend_who_paid(campaign, "25", "25", "25")
    lost = friend_who_paid(campaign, "25", "25")

    backtest = tried(campaign, milestone_minimum=None, milestone_count=3)

    assert qualified(backtest) == {"really": 2, "tried": 1, "more": 0, "fewer": 1}
    change = only_change(backtest)
    assert change.referral == lost
    assert no(change.why["tried"]) == ["count_reached"]


def test_a_sum_counts_what_is_left_of_each(campaign: Campaign) -> None:
    referral = friend_who_paid(campaign, "60", "60")
    refund(referral.friend, "30")

    assert qualified(tried(campaign, milestone_minimum=None, milestone_sum=100))[
        "fewer"
    ]
    assert not qualified(tried(campaign, milestone_minimum=None, milestone_sum=90))[
        "fewer"
    ]


def test_a_shorter_window_leaves_out_what_came_late(campaign: Campaign) -> None:
    late = referred(campaign=campaign, created_at=NOON - 20 * DAY)
    report(late.friend, "25")
    friend_who_paid(campaign, "25")

    backtest = tried(campaign, milestone_within_days=14)

    change = only_change(backtest)
    assert (change.referral, change.tried) == (late, "expired")
    assert no(change.why["tried"]) == ["referral_is_pending"]
    assert "window ended" in change.why["tried"]["reason"]


def test_another_event_is_tried_in_the_order_in_which_things_happened(
    campaign: Campaign,
) -> None:
    """What came before the referral was made is judged when it is made."""
    advocate = enrol(campaign, email="ann@shop.example").participant
    signed_up = {"email": "bob@shop.example"}
    report(signed_up, None, campaign=campaign, name="sign_up", wall=NOON)
    enrol(campaign, email="bob@shop.example", by_code=advocate.code)

    backtest = tried(campaign, milestone_event="sign_up", milestone_minimum=None)

    assert only_change(backtest).kind == "qualifies"


def test_a_holding_period_holds_what_is_fresh(campaign: Campaign) -> None:
    friend_who_paid(campaign, "25")

    backtest = tried(campaign, holding_days=14)

    change = only_change(backtest)
    assert (change.kind, change.tried) == ("no_longer", "holding")
    assert "held until" in change.why["tried"]["reason"]
    later = tried(campaign, holding_days=14, wall=NOON + 15 * DAY)
    assert not later.changes.exists()


def test_the_clock_decides_what_no_sweep_has_seen_yet(campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(holding_days=7)
    campaign.refresh_from_db()
    friend_who_paid(campaign, "25")
    friend_who_paid(campaign)

    late = tried(campaign, wall=NOON + 100 * DAY)

    assert late.counts["really"] == {"qualified": 1, "expired": 1}
    assert not late.changes.exists()
    settle_campaign(campaign, wall=NOON + 100 * DAY)
    again = tried(campaign, wall=NOON + 100 * DAY)
    assert again.counts["really"] == late.counts["really"]


def test_nothing_but_the_backtest_is_written(campaign: Campaign) -> None:
    referral = friend_who_paid(campaign, "15")

    tried(campaign, milestone_minimum=Decimal(10))

    referral.refresh_from_db()
    assert referral.status == "pending"
    assert not referral.rewards.exists()
    assert referral.friend.events.get().outcome == "not_matched"


def test_a_period_covers_who_did_something_in_it(campaign: Campaign) -> None:
    early = referred(
        campaign=campaign, created_at=NOON - 20 * DAY, expires_at=NOON + 70 * DAY
    )
    report(early.friend, "25", occurred_at=NOON - 10 * DAY)
    friend_who_paid(campaign, "25")

    before = tried(campaign, ends_at=NOON - 9 * DAY)
    after = tried(campaign, begins_at=NOON - 9 * DAY)

    assert (before.done_events, before.counts["really"]) == (1, {"qualified": 1})
    assert (after.done_events, after.counts["really"]) == (1, {"qualified": 1})
    assert tried(campaign).done_events == 2


def test_a_referral_is_replayed_whole_whatever_the_period(campaign: Campaign) -> None:
    """Else its edge would look as if the rules had made a difference."""
    referral = referred(
        campaign=campaign, created_at=NOON - 20 * DAY, expires_at=NOON + 70 * DAY
    )
    report(referral.friend, "5", occurred_at=NOON - 10 * DAY)
    report(referral.friend, "25", occurred_at=NOON)

    backtest = tried(campaign, ends_at=NOON - 9 * DAY)

    assert backtest.done_events == 2
    assert not backtest.changes.exists()


def test_a_large_one_goes_on_chunk_by_chunk(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("referral_factory.backtests.history.CHUNK", 2)
    monkeypatch.setattr("referral_factory.backtests.trial.CHUNK", 2)
    monkeypatch.setattr("referral_factory.backtests.services.AT_ONCE", 0.0)
    for _ in range(5):
        friend_who_paid(campaign, "15")

    backtest = tried(campaign, milestone_minimum=Decimal(10))

    assert backtest.status == Backtest.Status.DONE
    assert (backtest.done_referrals, backtest.total_referrals) == (5, 5)
    assert backtest.changes.count() == 5
