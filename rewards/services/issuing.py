"""Handing a reward over, ending it before that, and taking it back after."""

from datetime import datetime

from django.db import transaction

from referrals.models import Participant
from referrals.refusals import ParticipantBlocked
from rewards.models import Reward
from rewards.services import notes
from rewards.signals import reward_cancelled, reward_clawed_back, reward_issued

Status = Reward.Status


@transaction.atomic
def issue_reward(reward: Reward, *, by: str, wall: datetime, reference: str) -> Reward:
    """Record that it was handed over, under the reference of whoever did it.

    Two calls at once: one issues, the other gets IllegalTransition. Somebody who was
    blocked gets nothing: ParticipantBlocked.
    """
    if reward.recipient.status == Participant.Status.BLOCKED:
        raise ParticipantBlocked(f"{reward.recipient.public_id} is blocked.")
    reward.start_issuing()
    reward.finish_issuing(
        now=reward.campaign.now(wall), reference=reference, issued_by=by
    )
    reward_issued.send(sender=Reward, instances=[reward])
    return reward


@transaction.atomic
def cancel_reward(reward: Reward, *, by: str, wall: datetime, note: str) -> Reward:
    """End a reward that was never issued, with the reason."""
    reward.cancel(
        note=notes.required(note), decided_by=by, decided_at=reward.campaign.now(wall)
    )
    reward_cancelled.send(sender=Reward, instances=[reward])
    return reward


@transaction.atomic
def claw_back_reward(reward: Reward, *, by: str, wall: datetime, note: str) -> Reward:
    """Take back, whole, what was issued, with the reason."""
    reward.claw_back(by=by, now=reward.campaign.now(wall), note=notes.required(note))
    reward_clawed_back.send(sender=Reward, instances=[reward])
    return reward
