"""Handing a reward over once, ending it before that, and taking it back after."""

from datetime import timedelta

import pytest

from referral_factory.errors import InvalidInput
from referral_factory.states import IllegalTransition
from referrals.models import Participant
from referrals.refusals import ParticipantBlocked
from rewards.models import Reward
from rewards.services.issuing import cancel_reward, claw_back_reward, issue_reward
from tests.factories import make_campaign, make_reward
from tests.steps import NOON
from webhooks.models import Message

OPS = "user:ops"
YEAR = timedelta(days=365)


def issue(reward: Reward, reference: str = "payout-1") -> Reward:
    return issue_reward(reward, by=OPS, wall=NOON, reference=reference)


def test_approved_reward_is_issued_under_a_reference() -> None:
    reward = make_reward(status="approved", issued_by="", issued_at=None)

    issue(reward)

    reward.refresh_from_db()
    assert (reward.status, reward.reference) == ("issued", "payout-1")
    assert (reward.issued_by, reward.issued_at) == (OPS, NOON)
    assert Message.objects.get().type == "reward.issued"


def test_issuing_keeps_the_campaigns_time() -> None:
    reward = make_reward(status="approved", campaign=make_campaign(clock_offset=-YEAR))
    assert issue(reward).issued_at == NOON - YEAR


@pytest.mark.parametrize(
    "status",
    [
        "pending",
        "flagged",
        "rejected",
        "waiting",
        "issuing",
        "issued",
        "cancelled",
        "clawed_back",
    ],
)
def test_nothing_is_issued_before_it_is_approved_or_twice(status: str) -> None:
    reward = make_reward(status=status, reference="payout-0")

    with pytest.raises(IllegalTransition):
        issue(reward)

    reward.refresh_from_db()
    assert (reward.status, reward.reference) == (status, "payout-0")
    assert not Message.objects.exists()


def test_nothing_is_issued_to_somebody_who_was_blocked_since() -> None:
    reward = make_reward(status="approved")
    Participant.objects.filter(pk=reward.recipient_id).update(status="blocked")
    reward = Reward.objects.get()

    with pytest.raises(ParticipantBlocked):
        issue(reward)

    reward.refresh_from_db()
    assert reward.status == "approved"


def test_second_issue_from_a_stale_copy_is_refused() -> None:
    reward = make_reward(status="approved")
    stale = Reward.objects.get()
    issue(reward)

    with pytest.raises(IllegalTransition):
        issue(stale, "payout-2")

    reward.refresh_from_db()
    assert reward.reference == "payout-1"


@pytest.mark.parametrize(
    "status", ["pending", "flagged", "approved", "waiting", "failed"]
)
def test_reward_is_cancelled_until_it_is_issued(status: str) -> None:
    reward = make_reward(status=status)

    cancel_reward(reward, by=OPS, wall=NOON, note="A mistake of ours.")

    reward.refresh_from_db()
    assert (reward.status, reward.decided_by) == ("cancelled", OPS)
    assert reward.decision_note == "A mistake of ours."
    assert Message.objects.get().type == "reward.cancelled"


@pytest.mark.parametrize("status", ["issuing", "issued", "rejected", "clawed_back"])
def test_issued_reward_is_not_cancelled(status: str) -> None:
    with pytest.raises(IllegalTransition):
        cancel_reward(make_reward(status=status), by=OPS, wall=NOON, note="x")


def test_issued_reward_is_clawed_back_whole() -> None:
    reward = make_reward(status="issued")

    claw_back_reward(reward, by=OPS, wall=NOON, note="Chargeback.")

    reward.refresh_from_db()
    assert (reward.status, reward.decision_note) == ("clawed_back", "Chargeback.")
    assert reward.issued_by == OPS
    assert Message.objects.get().type == "reward.clawed_back"


@pytest.mark.parametrize(
    "status", ["pending", "flagged", "approved", "cancelled", "clawed_back"]
)
def test_only_what_was_issued_is_clawed_back(status: str) -> None:
    with pytest.raises(IllegalTransition):
        claw_back_reward(make_reward(status=status), by=OPS, wall=NOON, note="x")


@pytest.mark.parametrize(
    ("service", "status"), [(cancel_reward, "approved"), (claw_back_reward, "issued")]
)
def test_taking_away_needs_a_reason(service: object, status: str) -> None:
    reward = make_reward(status=status)
    with pytest.raises(InvalidInput) as refusal:
        service(reward, by=OPS, wall=NOON, note=" ")  # type: ignore[operator]
    reward.refresh_from_db()
    assert (refusal.value.pointer, reward.status) == ("/note", status)
