"""What becomes of rewards whose referral stays, though its milestone was taken back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from referral_factory import prepared
from referral_factory.wire import as_json
from rewards.models import Reward
from rewards.review import review
from rewards.services.reviewing import facts_of, policy_of
from rewards.signals import reward_flagged

Status = Reward.Status

NOT_LOOKED_AT = (Status.PENDING, Status.APPROVED)
# All in one, since a call may take back thousands: they are held, and each is in one of
# NOT_LOOKED_AT, from where there is a way.
FLAG = """
    UPDATE rewards_reward AS reward
    SET status = 'flagged', reasons = found.reasons, decided_by = '',
        decided_at = NULL, decision_note = '', first_approver = '', second_approver = ''
    FROM json_to_recordset(%(rows)s::json) AS found (id uuid, reasons jsonb)
    WHERE reward.id = found.id AND reward.status IN ('pending', 'approved')
"""
# On their way out, or about to be: from these there is no way into the review queue.
PAST_REVIEW = (Status.WAITING, Status.ISSUING, Status.FAILED, Status.ISSUED)


@transaction.atomic
def doubt_rewards(reasons: Mapping[UUID, str], *, now: datetime) -> None:
    """Have a person look at every reward of these referrals, each for its reason.

    What may still be held back goes into the review queue; all else is disputed. As
    many statements for thousands of rewards as for one.
    """
    rows = Reward.objects.filter(referral__in=reasons).order_by("id")
    related = ("campaign", "recipient", "referral__advocate", "referral__friend")
    locked = rows.select_for_update(of=("self",), no_key=True)
    rewards = list(locked.select_related(*related))
    flagged = [row for row in rewards if row.status in NOT_LOOKED_AT]
    queued = [row for row in rewards if row.status == Status.FLAGGED]
    for reward in queued:
        reward.reasons = [*reward.reasons, _reason(reasons[reward.referral_id])]
    Reward.objects.bulk_update(queued, ["reasons"])
    past = [row.pk for row in rewards if row.status in PAST_REVIEW]
    Reward.objects.filter(pk__in=past).update(disputed_at=now)
    if flagged:
        _flag(flagged, reasons)
        reward_flagged.send(sender=Reward, instances=flagged)


def _flag(rewards: Sequence[Reward], reasons: Mapping[UUID, str]) -> None:
    """With all that review would say; who approved one before has not seen this."""
    for reward in rewards:
        found = review(facts_of(reward), policy_of(reward.campaign))
        reward.reasons = [*found, _reason(reasons[reward.referral_id])]
    rows = [{"id": each.pk, "reasons": each.reasons} for each in rewards]
    prepared.execute(FLAG, {"rows": as_json(rows).decode()})
    for reward in rewards:
        reward.status = Status.FLAGGED
        reward.decided_by, reward.decided_at, reward.decision_note = "", None, ""
        reward.first_approver, reward.second_approver = "", ""


def _reason(said: str) -> dict[str, Any]:
    return {
        "code": "milestone_reversed",
        "detail": f"What the referral had reached was taken back. {said}",
        "evidence": {},
    }
