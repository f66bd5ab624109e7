"""Whether a reward may be had: by rule where it is clear, by a person where not."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from referral_factory.errors import DomainError
from referral_factory.states import IllegalTransition
from referrals.models import Campaign, Participant
from rewards.models import BY_RULE, Reward
from rewards.review import PersonFacts, Policy, RewardFacts, review
from rewards.services import notes
from rewards.signals import reward_approved, reward_flagged, reward_rejected

Status = Reward.Status


class AlreadyApprovedByYou(DomainError):
    code = "second_person_needed"


@transaction.atomic
def review_rewards(*, wall: datetime, limit: int = 200) -> int:
    """Look at granted rewards, oldest first: flag with reasons, or approve.

    Safe to run twice, and side by side. Returns how many were looked at.
    """
    batch = list(
        Reward.objects.awaiting_review()
        .select_related(
            "campaign", "recipient", "referral__advocate", "referral__friend"
        )
        .select_for_update(of=("self",), no_key=True, skip_locked=True)
        .order_by("id")[:limit]
    )
    flagged, approved = [], []
    for reward in batch:
        reasons = review(facts_of(reward), policy_of(reward.campaign))
        if reasons:
            reward.flag(reasons=reasons)
            flagged.append(reward)
        else:
            reward.approve(by=BY_RULE, now=reward.campaign.now(wall))
            approved.append(reward)
    if flagged:
        reward_flagged.send(sender=Reward, instances=flagged)
    if approved:
        reward_approved.send(sender=Reward, instances=approved)
    return len(batch)


@transaction.atomic
def approve_reward(
    reward: Reward, *, by: str, wall: datetime, note: str = ""
) -> Reward:
    """A person's yes. Above the campaign's limit it takes two people: the first yes
    is recorded, and the reward stays flagged until somebody else says it too."""
    locked = _lock(reward, Status.FLAGGED, to=Status.APPROVED)
    if approvals_needed(locked) == 2 and not locked.first_approver:
        Reward.objects.filter(pk=locked.pk).update(first_approver=by)
        locked.first_approver = by
        return locked
    changes = _second_approval(locked, by)
    locked.approve(by=by, now=locked.campaign.now(wall), note=note, **changes)
    reward_approved.send(sender=Reward, instances=[locked])
    return locked


@transaction.atomic
def reject_reward(reward: Reward, *, by: str, wall: datetime, note: str) -> Reward:
    """A person's no, with the reason that the books keep."""
    locked = _lock(reward, Status.FLAGGED, to=Status.REJECTED)
    locked.reject(by=by, now=locked.campaign.now(wall), note=notes.required(note))
    reward_rejected.send(sender=Reward, instances=[locked])
    return locked


@transaction.atomic
def reopen_reward(reward: Reward, *, by: str, wall: datetime, note: str) -> Reward:
    """Back into the queue, with a further reason."""
    locked = _lock(reward, Status.REJECTED, to=Status.FLAGGED)
    said = notes.required(note)
    reason = {"code": "reopened", "detail": said, "evidence": {"by": by}}
    Reward.objects.filter(pk=locked.pk).update(first_approver="", second_approver="")
    locked.flag(reasons=[*locked.reasons, reason])
    reward_flagged.send(sender=Reward, instances=[locked])
    return locked


def approvals_needed(reward: Reward) -> int:
    limit = (reward.campaign.review or {}).get("two_people_above")
    return 2 if limit is not None and reward.amount > Decimal(limit) else 1


def policy_of(campaign: Campaign) -> Policy:
    limit = (campaign.review or {}).get("amount_limit")
    return Policy(amount_limit=None if limit is None else Decimal(limit))


def facts_of(reward: Reward) -> RewardFacts:
    referral = reward.referral
    clicked = _visit(referral.click_address, referral.click_user_agent)
    return RewardFacts(
        amount=reward.amount,
        currency=reward.currency,
        advocate=_person_facts(referral.advocate),
        friend=_person_facts(referral.friend, clicked),
        marks=tuple(referral.marks),
    )


def _person_facts(
    person: Participant, clicked: frozenset[tuple[str, str]] = frozenset()
) -> PersonFacts:
    enrolled = _visit(person.address, person.user_agent)
    return PersonFacts(email=person.email, visits=enrolled | clicked)


def _visit(address: str | None, user_agent: str) -> frozenset[tuple[str, str]]:
    return frozenset({(address, user_agent)} if address and user_agent else ())


def _lock(reward: Reward, *statuses: str, to: str) -> Reward:
    """The row as it is now, locked, since what we do next depends on it."""
    locked = (
        Reward.objects.select_related("campaign", "referral", "recipient")
        .select_for_update(of=("self",), no_key=True)
        .get(pk=reward.pk)
    )
    if locked.status not in statuses:
        raise IllegalTransition(
            f"It is {locked.status}{_decided(locked)}, and cannot become {to}.",
            current=locked.status,
        )
    return locked


def _decided(reward: Reward) -> str:
    if not reward.decided_at:
        return ""
    return f" since {reward.decided_at:%Y-%m-%d %H:%M} UTC, by {reward.decided_by}"


def _second_approval(reward: Reward, by: str) -> dict[str, Any]:
    if approvals_needed(reward) == 1:
        return {"first_approver": by}
    if reward.first_approver == by:
        raise AlreadyApprovedByYou("The second approval must be another person's.")
    return {"second_approver": by}
