"""What becomes of rewards whose referral stays, though its milestone was taken back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from rewards.models import Reward
from rewards.review import review
from rewards.services.reviewing import facts_of, policy_of
from rewards.signals import reward_flagged

Status = Reward.Status

# On their way out, or about to be: from these there is no way into the review queue.
PAST_REVIEW = (Status.WAITING, Status.ISSUING, Status.FAILED, Status.ISSUED)


@transaction.atomic
def doubt_rewards(reasons: Mapping[UUID, str], *, now: datetime) -> None:
    """Have a person look at every reward of these referrals, each for its reason.

    What may still be held back goes into the review queue; all else is disputed.
    """
    rows = Reward.objects.filter(referral__in=reasons).order_by("id")
    related = ("campaign", "recipient", "referral__advocate", "referral__friend")
    locked = rows.select_for_update(of=("self",), no_key=True)
    rewards = list(locked.select_related(*related))
    flagged = [
        row for row in rewards if row.status in {Status.PENDING, Status.APPROVED}
    ]
    for reward in flagged:
        _flag(reward, _reason(reasons[reward.referral_id]))
    for reward in rewards:
        if reward.status == Status.FLAGGED and reward not in flagged:
            reward.reasons = [*reward.reasons, _reason(reasons[reward.referral_id])]
        elif reward.status in PAST_REVIEW:
            reward.disputed_at = now
    Reward.objects.bulk_update(rewards, ["reasons", "disputed_at"])
    if flagged:
        reward_flagged.send(sender=Reward, instances=flagged)


def _flag(reward: Reward, reason: dict[str, Any]) -> None:
    """With all that review would say; who approved it before has not seen this."""
    found = review(facts_of(reward), policy_of(reward.campaign))
    reward.move_to(
        Status.FLAGGED,
        reasons=[*found, reason],
        decided_by="",
        decided_at=None,
        decision_note="",
        first_approver="",
        second_approver="",
    )


def _reason(said: str) -> dict[str, Any]:
    return {
        "code": "milestone_reversed",
        "detail": f"What the referral had reached was taken back. {said}",
        "evidence": {},
    }
