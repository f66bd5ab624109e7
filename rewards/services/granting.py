"""From a qualified referral to its rewards, and back."""

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from referral_factory import prepared
from referral_factory.prepared import array
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
# All in one, since a call may take back thousands: they are held, and each is in one of
# NOT_ISSUED, from where there is a way.
CANCEL = """
    UPDATE rewards_reward AS reward
    SET status = 'cancelled', decided_by = %(by)s, decided_at = disqualified_at,
        decision_note = left('The referral no longer counts. ' || referral.reason, 500)
    FROM referrals_referral AS referral
    WHERE reward.id = ANY (%(rewards)s::uuid[]) AND referral.id = reward.referral_id
"""
# The same row goes back to review: its referral qualified once more. In one as well.
GRANT_AGAIN = """
    UPDATE rewards_reward AS reward
    SET status = 'pending', reasons = '[]', available_at = qualified_at,
        decided_by = '', decided_at = NULL, decision_note = '', first_approver = '',
        second_approver = ''
    FROM referrals_referral AS referral
    WHERE reward.id = ANY (%(rewards)s::uuid[]) AND reward.status = 'cancelled'
        AND referral.id = reward.referral_id
"""


@transaction.atomic(savepoint=False)
def grant_rewards(referrals: Sequence[Referral]) -> list[Reward]:
    """Grant, once for ever, what the rules of their campaigns give for each referral.

    A referral that qualifies again finds its rows: cancelled ones go back to review.
    Two statements and one for what is told, however many referrals; four more, and
    what is told, where some had rewards before.
    """
    known = _gather(referrals)
    fresh = [
        _reward(referral, grant, _qualified_at(referral))
        for referral in referrals
        for grant in known.grants_for(referral)
    ]
    written = prepared.insert(fresh)
    created = [reward for reward in fresh if reward.pk in written]
    if created:
        reward_created.send(sender=Reward, instances=created)
    before = [referral for referral in referrals if known.had_rewards(referral)]
    return created + (_grant_again(before, written) if before else [])


def preview_rewards(referrals: Sequence[Referral], *, now: datetime) -> list[Reward]:
    """What grant_rewards would give for these if they qualified; nothing is written."""
    known = _gather(referrals)
    return [
        _reward(referral, grant, now)
        for referral in referrals
        for grant in known.grants_for(referral)
    ]


def _grant_again(referrals: Sequence[Referral], written: Set[UUID]) -> list[Reward]:
    rows = [row for row in _rewards_of(referrals) if row.pk not in written]
    disputed = [row.pk for row in rows if row.disputed_at]
    if disputed:  # it counts after all
        Reward.objects.filter(pk__in=disputed).update(disputed_at=None)
    cancelled = [row for row in rows if row.status == Status.CANCELLED]
    keys = [row.pk for row in cancelled if _may_have(row)]
    if not keys:
        return []
    prepared.execute(GRANT_AGAIN, {"rewards": array(keys)})
    again = list(_rewards_of(referrals).filter(pk__in=keys))
    reward_created.send(sender=Reward, instances=again)
    return again


@transaction.atomic
def take_back_rewards(referrals: list[Referral]) -> None:
    """Cancel what was not issued; what was goes to a person, never silently.

    As many statements for thousands of referrals as for one.
    """
    rows = list(_rewards_of(referrals))
    not_issued = [row.pk for row in rows if row.status in NOT_ISSUED]
    if not_issued:
        prepared.execute(CANCEL, {"rewards": array(not_issued), "by": BY_RULE})
        cancelled = list(_rewards_of(referrals).filter(pk__in=not_issued))
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


# Rules, and the people of referrals: one look, since each takes its time.
GATHER = """
    SELECT 'rule', id, campaign_id,
        ARRAY[side, kind, amount::text, currency, version::text]
    FROM rewards_rewardrule
    WHERE campaign_id = ANY (%(campaigns)s::uuid[]) AND retired_at IS NULL
    UNION ALL
    SELECT 'referral', referral.id, referral.campaign_id,
        ARRAY[advocate.status, friend.status, (EXISTS (
            SELECT 1 FROM rewards_reward WHERE referral_id = referral.id))::text]
    FROM referrals_referral AS referral
    JOIN referrals_participant AS advocate ON advocate.id = referral.advocate_id
    JOIN referrals_participant AS friend ON friend.id = referral.friend_id
    WHERE referral.id = ANY (%(referrals)s::uuid[])
"""


@dataclass(frozen=True)
class Known:
    """What granting looks at: rules by their campaign, and what is so of referrals."""

    rules: dict[UUID, list[RewardRule]]
    told: dict[UUID, list[str]]

    def grants_for(self, referral: Referral) -> list[Grant[RewardRule]]:
        advocate, friend, _ = self.told[referral.pk]
        rules = self.rules[referral.campaign_id]
        return rewards_for(rules, advocate_status=advocate, friend_status=friend)

    def had_rewards(self, referral: Referral) -> bool:
        return self.told[referral.pk][2] == "true"


def _gather(referrals: Sequence[Referral]) -> Known:
    named = {
        "campaigns": array({referral.campaign_id for referral in referrals}),
        "referrals": array(referral.pk for referral in referrals),
    }
    known = Known(defaultdict(list), {})
    for kind, pk, campaign, told in prepared.execute(GATHER, named):
        if kind == "rule":
            known.rules[campaign].append(_rule(pk, campaign, *told))
        else:
            known.told[pk] = told
    for rules in known.rules.values():
        rules.sort(key=lambda rule: rule.pk)
    return known


def _rule(
    pk: UUID,
    campaign: UUID,
    side: str,
    kind: str,
    amount: str,
    currency: str,
    version: str,
) -> RewardRule:
    return RewardRule(
        id=pk,
        campaign_id=campaign,
        side=side,
        kind=kind,
        amount=Decimal(amount),
        currency=currency,
        version=int(version),
    )


def _reward(referral: Referral, grant: Grant[RewardRule], now: datetime) -> Reward:
    rule = grant.rule
    advocate, friend = referral.advocate_id, referral.friend_id
    return Reward(
        campaign=referral.campaign,
        referral_id=referral.pk,
        rule_id=rule.pk,
        rule_version=rule.version,
        recipient_id=advocate if grant.to_the_advocate else friend,
        side=rule.side,
        kind=rule.kind,
        amount=grant.amount,
        currency=grant.currency,
        created_at=now,
        available_at=now,
    )


def _qualified_at(referral: Referral) -> datetime:
    assert referral.qualified_at is not None  # noqa: S101 - by constraint
    return referral.qualified_at


def _rewards_of(referrals: Iterable[Referral]) -> QuerySet[Reward]:
    """Locked in the order of their ids, so that two transactions cannot cross."""
    return (
        Reward.objects.filter(referral__in=list(referrals))
        .select_related("campaign", "referral", "recipient")
        .select_for_update(of=("self",), no_key=True)
        .order_by("id")
    )
