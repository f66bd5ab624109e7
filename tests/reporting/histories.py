"""Random histories of a campaign, as the rows that they leave."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from referrals.models import Campaign, Click, Participant, Referral
from rewards.models import Kind, Reward, RewardRule, Side
from tests.factories import make_rule

Status = Reward.Status
Later = Callable[[datetime], datetime]
HALF_AN_HOUR = timedelta(minutes=30)  # so that moments fall on the edges of days, too


@dataclass
class History:
    """What happened, for an oracle to count by plain Python."""

    participants: list[Participant] = field(default_factory=list)
    clicks: list[Click] = field(default_factory=list)
    referrals: list[Referral] = field(default_factory=list)
    rewards: list[Reward] = field(default_factory=list)


def make_history(
    campaign: Campaign,
    *,
    start: datetime,
    end: datetime,
    people: int = 30,
    seed: int = 1,
) -> History:
    """Rows from one moment on, in every status that the reports tell apart.

    People enrol until `end`; what comes of it may take days longer.
    """
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    history = History()
    rules = [
        make_rule(campaign=campaign, side=Side.ADVOCATE, amount=Decimal("12.50")),
        make_rule(campaign=campaign, side=Side.FRIEND, amount=5, currency="EUR"),
    ]

    def moment() -> datetime:
        return (
            start + chance.randrange(int((end - start) / HALF_AN_HOUR)) * HALF_AN_HOUR
        )

    def soon(after: datetime) -> datetime:
        return after + chance.randrange(10 * 48) * HALF_AN_HOUR

    for n in range(people):
        history.participants.append(_person(campaign, n, moment()))
    for friend in history.participants[people // 3 :]:
        advocate = chance.choice(history.participants[: people // 3])
        history.clicks += [
            _click(advocate, moment()) for _ in range(chance.randint(0, 4))
        ]
        referral = _referral(advocate, friend, chance, soon)
        history.referrals.append(referral)
        if referral.qualified_at:
            history.rewards += [_reward(referral, r, chance, soon) for r in rules]
    _save(history)
    return history


def _person(campaign: Campaign, n: int, at: datetime) -> Participant:
    return Participant(
        campaign=campaign,
        external_id=f"person-{n}",
        name=f"Person {n}",
        created_at=at,
    )


def _click(advocate: Participant, at: datetime) -> Click:
    return Click(
        campaign_id=advocate.campaign_id, participant_id=advocate.pk, created_at=at
    )


def _referral(
    advocate: Participant, friend: Participant, chance: random.Random, soon: Later
) -> Referral:
    created_at = friend.created_at
    status = chance.choice([*Referral.Status, Referral.Status.QUALIFIED])
    referral = Referral(
        campaign=advocate.campaign,
        advocate=advocate,
        friend=friend,
        way=Referral.Way.CODE,
        status=status,
        created_at=created_at,
        expires_at=created_at + timedelta(days=90),
    )
    if status in {Referral.Status.QUALIFIED, Referral.Status.DISQUALIFIED}:
        referral.qualified_at = soon(created_at)
    if status == Referral.Status.DISQUALIFIED:
        referral.disqualified_at, referral.reason = referral.qualified_at, "Refunded"
    if status == Referral.Status.HOLDING:
        referral.holds_until = created_at + timedelta(days=14)
    return referral


def _reward(
    referral: Referral, rule: RewardRule, chance: random.Random, soon: Later
) -> Reward:
    assert referral.qualified_at is not None
    status = chance.choice([*Status, Status.ISSUED, Status.ISSUED])
    decided_at = soon(referral.qualified_at)
    was_issued = status in {Status.ISSUED, Status.CLAWED_BACK}
    advocate = rule.side == Side.ADVOCATE
    return Reward(
        campaign=referral.campaign,
        referral=referral,
        rule=rule,
        rule_version=1,
        recipient=referral.advocate if advocate else referral.friend,
        side=rule.side,
        kind=Kind.FIXED,
        amount=rule.amount,
        currency=rule.currency,
        status=status,
        reasons=[{"code": "look", "detail": "", "evidence": {}}],
        decided_by="user:ana",
        decided_at=decided_at,
        created_at=referral.qualified_at,
        available_at=referral.qualified_at,
        issued_at=soon(referral.qualified_at) if was_issued else None,
        issued_by="user:ana" if was_issued else "",
    )


def _save(history: History) -> None:
    Participant.objects.bulk_create(history.participants)
    Click.objects.bulk_create(history.clicks)
    Referral.objects.bulk_create(history.referrals)
    Reward.objects.bulk_create(history.rewards)
