"""From a qualified referral to its rewards, and back."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from referrals.models import Participant, Referral
from rewards.granting import Grant, may_be_rewarded, rewards_for
from rewards.models import BY_RULE, Reward, RewardRule
from rewards.signals import reward_cancelled, reward_created

Status = Reward.Status

# What a reward can be cancelled from; one that is being handed over is past that.
NOT_ISSUED = (
    Status.PENDING,
    Status.FLAGGED,
    Status.APPROVED,
    Status.WAITING,
    Status.FAILED,
)
HANDED_OVER = (Status.ISSUING, Status.ISSUED)


@transaction.atomic
def grant_rewards(referrals: list[Referral]) -> list[Reward]:
    """Grant, once for ever, what the rules of their campaigns give for each referral.

    A referral that qualifies again finds its rows: cancelled ones go back to review.
    """
    rules = _rules_of({referral.campaign_id for referral in referrals})
    fresh = [
        _reward(referral, grant)
        for referral in referrals
        for grant in rewards_for(
            rules[referral.campaign_id],
            advocate_status=referral.advocate.status,
            friend_status=referral.friend.status,
        )
    ]
    Reward.objects.bulk_create(fresh, ignore_conflicts=True)
    granted = {reward.pk for reward in fresh}
    rows = list(_rewards_of(referrals))
    created = [row for row in rows if row.pk in granted]
    again = [row for row in rows if row.status == Status.CANCELLED and _may_have(row)]
    for reward in again:
        reward.grant_again(now=_qualified_at(reward.referral))
    disputed = [row for row in rows if row.disputed_at]
    for reward in disputed:  # it counts after all
        reward.disputed_at = None
    Reward.objects.bulk_update(disputed, ["disputed_at"])
    if created or again:
        reward_created.send(sender=Reward, instances=created + again)
    return created + again


@transaction.atomic
def take_back_rewards(referrals: list[Referral]) -> None:
    """Cancel what was not issued; what was goes to a person, never silently."""
    rows = list(_rewards_of(referrals))
    cancelled = [row for row in rows if row.status in NOT_ISSUED]
    for reward in cancelled:
        reward.cancel(
            note=f"The referral no longer counts. {reward.referral.reason}"[:500],
            decided_by=BY_RULE,
            decided_at=reward.referral.disqualified_at,
        )
    if cancelled:
        reward_cancelled.send(sender=Reward, instances=cancelled)
    handed_over = [row for row in rows if row.status in HANDED_OVER]
    for reward in handed_over:
        reward.disputed_at = reward.referral.disqualified_at
    Reward.objects.bulk_update(handed_over, ["disputed_at"])


@transaction.atomic
def move_rewards(people: Iterable[Participant]) -> None:
    """Have those who were merged into somebody be rewarded as who they are now."""
    for person in people:
        rewards = Reward.objects.filter(recipient=person).order_by("id")
        locked = [row.pk for row in rewards.select_for_update(no_key=True)]
        Reward.objects.filter(pk__in=locked).update(recipient=person.merged_into_id)


def _may_have(reward: Reward) -> bool:
    return may_be_rewarded(reward.recipient.status)


def _rules_of(campaigns: set[UUID]) -> dict[UUID, list[RewardRule]]:
    by_campaign: dict[UUID, list[RewardRule]] = defaultdict(list)
    rules = RewardRule.objects.filter(campaign__in=campaigns, retired_at=None)
    for rule in rules.order_by("id"):
        by_campaign[rule.campaign_id].append(rule)
    return by_campaign


def _reward(referral: Referral, grant: Grant[RewardRule]) -> Reward:
    rule = grant.rule
    return Reward(
        campaign_id=referral.campaign_id,
        referral=referral,
        rule=rule,
        rule_version=rule.version,
        recipient=referral.advocate if grant.to_the_advocate else referral.friend,
        side=rule.side,
        kind=rule.kind,
        amount=grant.amount,
        currency=grant.currency,
        created_at=_qualified_at(referral),
        available_at=_qualified_at(referral),
    )


def _qualified_at(referral: Referral) -> datetime:
    assert referral.qualified_at is not None  # noqa: S101 - by constraint
    return referral.qualified_at


def _rewards_of(referrals: Iterable[Referral]) -> Iterable[Reward]:
    """Locked in the order of their ids, so that two transactions cannot cross."""
    return (
        Reward.objects.filter(referral__in=list(referrals))
        .select_related("campaign", "referral", "recipient")
        .select_for_update(of=("self",), no_key=True)
        .order_by("id")
    )
