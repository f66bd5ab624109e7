"""What becomes of rewards when what earned them is taken back."""

from typing import Any

import pytest

from rewards.models import Reward
from rewards.services.issuing import issue_reward
from rewards.services.reviewing import review_rewards
from tests.factories import make_campaign, make_rule
from tests.referrals.reports import order, record, told
from tests.steps import NOON, referred, refund, report


def refunded(
    policy: str, *, reviewed: bool = False, issued: bool = False, **row: Any
) -> Reward:
    """What becomes of a reward, which is as `row` says by the time of the refund."""
    campaign = make_campaign(reversal_policy=policy)
    make_rule(campaign=campaign)
    referral = referred(campaign=campaign)
    report(referral.friend, event_id="o-1")
    if reviewed:
        review_rewards(wall=NOON)
    if issued:
        reward = Reward.objects.get()
        issue_reward(reward, by="user:ops", wall=NOON, reference="p-1")
    if row:
        Reward.objects.update(**{"decided_by": "user:ops", "decided_at": NOON, **row})
    refund(referral.friend, reverses="o-1")
    return Reward.objects.get()


@pytest.mark.parametrize("reviewed", [False, True])
def test_reward_that_is_not_issued_waits_for_a_person(reviewed: bool) -> None:
    reward = refunded("ask", reviewed=reviewed)

    assert reward.status == "flagged"
    assert [reason["code"] for reason in reward.reasons] == ["milestone_reversed"]
    assert told()["reward.flagged"] == 1
    assert told()["referral.disqualified"] == 0


@pytest.mark.parametrize("policy", ["ask", "take_back"])
def test_reward_that_was_issued_is_disputed(policy: str) -> None:
    reward = refunded(policy, reviewed=True, issued=True)
    assert (reward.status, reward.disputed_at) == ("issued", NOON)


@pytest.mark.parametrize("status", ["waiting", "issuing", "failed"])
def test_reward_that_is_past_review_is_disputed(status: str) -> None:
    reward = refunded("ask", status=status)
    assert (reward.status, reward.disputed_at) == (status, NOON)


def test_reward_is_approved_anew_once_its_milestone_was_taken_back() -> None:
    both: dict[str, Any] = {"first_approver": "user:ana", "second_approver": "user:ben"}
    reward = refunded("ask", status="approved", **both)
    assert (reward.first_approver, reward.second_approver) == ("", "")


def test_reward_that_waits_for_a_person_keeps_its_other_reasons() -> None:
    reward = refunded("ask", status="flagged", reasons=[{"code": "ring"}])
    codes = [reason["code"] for reason in reward.reasons]
    assert codes == ["ring", "milestone_reversed"]


def test_reward_in_doubt_says_what_review_says_of_it_as_well() -> None:
    campaign = make_campaign(reversal_policy="ask", review={"amount_limit": "5.00"})
    make_rule(campaign=campaign)
    referral = referred(campaign=campaign)
    record(campaign, order("o-1", referral.friend))
    record(campaign, order("r-1", referral.friend, None, name="refund", reverses="o-1"))

    codes = [reason["code"] for reason in Reward.objects.get().reasons]
    assert codes == ["amount_over_limit", "milestone_reversed"]


def test_reward_is_kept_where_the_campaign_keeps_what_qualified() -> None:
    reward = refunded("keep", reviewed=True)
    assert (reward.status, reward.disputed_at) == ("approved", None)
