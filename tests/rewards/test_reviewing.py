"""Whether a reward may be had: by rule where it is clear, by people where not."""

from decimal import Decimal

import pytest

from referral_factory.errors import InvalidInput
from referral_factory.states import IllegalTransition
from rewards.models import Reward
from rewards.services.reviewing import (
    AlreadyApprovedByYou,
    approve_reward,
    reject_reward,
    reopen_reward,
    review_rewards,
)
from tests.factories import (
    make_campaign,
    make_participant,
    make_referral,
    make_reward,
    make_rule,
)
from tests.steps import DAY, NOON
from webhooks.models import Message

ANN, BOB = "user:ann", "user:bob"


def pending(amount: str = "10", **fields: object) -> Reward:
    campaign = fields.pop("campaign", None) or make_campaign()
    rule = make_rule(campaign=campaign, amount=Decimal(amount))
    return make_reward(
        rule=rule,
        status="pending",
        reasons=[],
        decided_by="",
        decided_at=None,
        **fields,
    )


def flagged(amount: str = "60", **review: str) -> Reward:
    campaign = make_campaign(review={"amount_limit": "50.00", **review})
    reward = pending(amount, campaign=campaign)
    review_rewards(wall=NOON)
    reward.refresh_from_db()
    return reward


def types() -> list[str]:
    found = Message.objects.filter(type__startswith="reward").order_by("id")
    return list(found.values_list("type", flat=True))


# --- By rule ------------------------------------------------------------------------


def test_clear_reward_is_approved_by_rule() -> None:
    reward = pending()

    assert review_rewards(wall=NOON) == 1

    reward.refresh_from_db()
    assert (reward.status, reward.decided_by) == ("approved", "review")
    assert reward.decided_at == NOON
    assert types() == ["reward.approved"]


def test_odd_reward_is_flagged_with_its_reasons() -> None:
    reward = flagged()

    assert reward.status == "flagged"
    (reason,) = reward.reasons
    assert reason["code"] == "amount_over_limit"
    assert reason["evidence"] == {"amount": "60.00", "limit": "50.00"}
    assert types() == ["reward.flagged"]


def test_click_from_the_advocates_browser_is_seen() -> None:
    campaign = make_campaign()
    ann = make_participant(campaign=campaign, address="192.0.2.1", user_agent="Firefox")
    referral = make_referral(
        advocate=ann,
        status="qualified",
        click_address="192.0.2.1",
        click_user_agent="Firefox",
    )
    reward = pending(referral=referral, campaign=campaign)

    review_rewards(wall=NOON)

    reward.refresh_from_db()
    assert [reason["code"] for reason in reward.reasons] == ["same_address_and_agent"]


def test_campaign_without_a_policy_flags_no_amount() -> None:
    reward = pending("9999", campaign=make_campaign(review=None))
    review_rewards(wall=NOON)
    reward.refresh_from_db()
    assert reward.status == "approved"


def test_review_takes_a_batch_at_a_time_oldest_first() -> None:
    rewards = [pending() for _ in range(3)]

    assert review_rewards(wall=NOON, limit=2) == 2
    rewards[2].refresh_from_db()
    assert rewards[2].status == "pending"
    assert review_rewards(wall=NOON, limit=2) == 1
    assert review_rewards(wall=NOON, limit=2) == 0


@pytest.mark.parametrize(
    "status", sorted(set(Reward.Status.values) - {Reward.Status.PENDING})
)
def test_review_looks_at_pending_rewards_only(status: str) -> None:
    make_reward(status=status)
    assert review_rewards(wall=NOON) == 0


# --- By people ----------------------------------------------------------------------


def test_person_approves_and_is_remembered() -> None:
    reward = approve_reward(flagged(), by=ANN, wall=NOON + DAY, note="I know them.")

    reward.refresh_from_db()
    assert reward.status == "approved"
    assert (reward.decided_by, reward.decided_at) == (ANN, NOON + DAY)
    assert (reward.decision_note, reward.first_approver) == ("I know them.", ANN)
    assert types() == ["reward.flagged", "reward.approved"]


def test_second_approval_says_who_decided_and_when() -> None:
    reward = flagged()
    approve_reward(reward, by=ANN, wall=NOON)

    with pytest.raises(IllegalTransition) as refusal:
        approve_reward(reward, by=BOB, wall=NOON)

    assert ANN in str(refusal.value)
    assert "2026-03-01 12:00" in str(refusal.value)


def test_rejection_keeps_its_reason() -> None:
    reward = reject_reward(flagged(), by=ANN, wall=NOON, note="Same household.")

    reward.refresh_from_db()
    assert (reward.status, reward.decision_note) == ("rejected", "Same household.")
    assert types() == ["reward.flagged", "reward.rejected"]


@pytest.mark.parametrize("note", ["", "  \n "])
def test_rejection_needs_a_reason(note: str) -> None:
    reward = flagged()
    with pytest.raises(InvalidInput) as refusal:
        reject_reward(reward, by=ANN, wall=NOON, note=note)
    reward.refresh_from_db()
    assert refusal.value.pointer == "/note"
    assert reward.status == "flagged"


@pytest.mark.parametrize(
    "status", sorted(set(Reward.Status.values) - {Reward.Status.FLAGGED})
)
def test_people_decide_about_flagged_rewards_only(status: str) -> None:
    reward = make_reward(status=status)
    with pytest.raises(IllegalTransition):
        approve_reward(reward, by=ANN, wall=NOON)
    with pytest.raises(IllegalTransition):
        reject_reward(reward, by=ANN, wall=NOON, note="x")


# --- Two people ---------------------------------------------------------------------


def test_above_the_limit_it_takes_two_people() -> None:
    reward = flagged("600", two_people_above="500.00")

    first = approve_reward(reward, by=ANN, wall=NOON)
    assert (first.status, first.first_approver) == ("flagged", ANN)
    assert types() == ["reward.flagged"]

    second = approve_reward(reward, by=BOB, wall=NOON)
    second.refresh_from_db()
    assert (second.status, second.second_approver) == ("approved", BOB)
    assert second.first_approver == ANN


def test_one_person_is_not_two() -> None:
    reward = flagged("600", two_people_above="500.00")
    approve_reward(reward, by=ANN, wall=NOON)

    with pytest.raises(AlreadyApprovedByYou):
        approve_reward(reward, by=ANN, wall=NOON)

    reward.refresh_from_db()
    assert reward.status == "flagged"


def test_at_the_limit_one_person_is_enough() -> None:
    reward = flagged("500", two_people_above="500.00")
    assert approve_reward(reward, by=ANN, wall=NOON).status == "approved"


def test_one_no_is_enough() -> None:
    reward = flagged("600", two_people_above="500.00")
    approve_reward(reward, by=ANN, wall=NOON)
    assert reject_reward(reward, by=BOB, wall=NOON, note="x").status == "rejected"


# --- Reopening ----------------------------------------------------------------------


def test_rejected_reward_goes_back_into_the_queue_with_a_further_reason() -> None:
    reward = flagged("600", two_people_above="500.00")
    approve_reward(reward, by=ANN, wall=NOON)
    reject_reward(reward, by=BOB, wall=NOON, note="x")

    reopened = reopen_reward(reward, by=ANN, wall=NOON, note="They called.")

    reopened.refresh_from_db()
    assert reopened.status == "flagged"
    assert [reason["code"] for reason in reopened.reasons] == [
        "amount_over_limit",
        "reopened",
    ]
    assert reopened.reasons[1]["detail"] == "They called."
    assert reopened.first_approver == ""  # both must say it again


def test_only_a_rejected_reward_is_reopened() -> None:
    with pytest.raises(IllegalTransition):
        reopen_reward(make_reward(status="approved"), by=ANN, wall=NOON, note="x")
