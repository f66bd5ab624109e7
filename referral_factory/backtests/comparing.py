"""What would have become of a referral, beside what did. Pure functions."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from referral_factory import money
from referral_factory.backtests.history import History
from referral_factory.backtests.models import BacktestChange
from referral_factory.backtests.rules import RewardTerms
from referrals.models import Participant, Referral
from rewards.granting import rewards_for
from rewards.models import Reward, Side

Kind = BacktestChange.Kind
Status = Referral.Status
ACTIVE = Participant.Status.ACTIVE
REFUSED = frozenset({Reward.Status.REJECTED, Reward.Status.CLAWED_BACK})
Sums = dict[str, Decimal]  # by currency
GONE = frozenset({*REFUSED, Reward.Status.CANCELLED})


@dataclass(frozen=True)
class Comparison:
    """One referral, both ways. `rewards_*` is what it gives while it counts."""

    really: str
    tried: str
    rewards_really: Sequence[RewardTerms]
    rewards_tried: Sequence[RewardTerms]

    @property
    def kind(self) -> Kind | None:
        """How it changes; None where the same becomes of it."""
        if self.really == self.tried:
            return None
        if self.tried == Status.QUALIFIED:
            return Kind.QUALIFIES
        return Kind.NO_LONGER if self.really == Status.QUALIFIED else Kind.OTHER


@dataclass
class Tally:
    """The sums of a backtest."""

    really: Counter[str] = field(default_factory=Counter)  # referrals by status
    tried: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)  # by kind
    cost_really: Sums = field(default_factory=lambda: defaultdict(Decimal))
    cost_tried: Sums = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, found: Comparison) -> None:
        self.really[found.really] += 1
        self.tried[found.tried] += 1
        if found.kind:
            self.changes[found.kind] += 1
        for reward in found.rewards_really:
            self.cost_really[reward.currency] += reward.amount
        for reward in found.rewards_tried:
            self.cost_tried[reward.currency] += reward.amount

    def as_json(self) -> dict[str, Any]:
        return {
            "really": dict(self.really),
            "tried": dict(self.tried),
            "changes": dict(self.changes),
            "cost_really": _texts(self.cost_really),
            "cost_tried": _texts(self.cost_tried),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """As it was left; of nothing, a new one."""
        tally = cls()
        for name in ("really", "tried", "changes"):
            getattr(tally, name).update(kept.get(name, {}))
        for name in ("cost_really", "cost_tried"):
            sums = {unit: Decimal(text) for unit, text in kept.get(name, {}).items()}
            getattr(tally, name).update(sums)
        return tally


def compared(
    history: History,
    tried: str,
    *,
    rules: Sequence[RewardTerms] | None,
    held: Sequence[RewardTerms],
    now: datetime,
) -> Comparison:
    """`rules` are the reward rules that are tried; None where none are.

    Then what was really granted stays, and what newly counts gives what `held` says.
    """
    really = status_by(history, now)
    granted = standing(history) if really == Status.QUALIFIED else []
    if tried != Status.QUALIFIED:
        given: Sequence[RewardTerms] = []
    elif rules is None and really == Status.QUALIFIED:
        given = granted
    else:
        given = _given(history, held if rules is None else rules, really)
    return Comparison(really, tried, granted, given)


def status_by(history: History, now: datetime) -> str:
    """Where it stands once what the clock has decided is settled."""
    facts = history.facts
    if history.status == Status.HOLDING and _is_over(facts["holds_until"], now):
        return Status.QUALIFIED
    if history.status == Status.PENDING and _is_over(facts["expires_at"], now):
        return Status.EXPIRED
    return history.status


def standing(history: History) -> list[RewardTerms]:
    """What was granted, without what people rejected, cancelled or clawed back."""
    return [_terms(each) for each in _granted(history) if each["status"] not in GONE]


def _given(
    history: History, rules: Iterable[RewardTerms], really: str
) -> list[RewardTerms]:
    grants = rewards_for(
        rules,
        advocate_status=_may_have(history, Side.ADVOCATE, really),
        friend_status=_may_have(history, Side.FRIEND, really),
    )
    return [
        RewardTerms(grant.rule.side, grant.rule.kind, grant.amount, grant.currency)
        for grant in grants
    ]


def _may_have(history: History, side: str, really: str) -> str:
    """What people decided stays: who was refused a reward is refused it here, and who
    was given one is given it here, whatever became of them since."""
    statuses = {each["status"] for each in _granted(history) if each["side"] == side}
    refused = GONE if really == Status.QUALIFIED else REFUSED
    if statuses - GONE:
        return ACTIVE
    if statuses & refused:
        return "refused"
    return str(history.facts[side]["status"])


def _granted(history: History) -> list[dict[str, str]]:
    return history.facts["rewards"] or []


def _terms(reward: Mapping[str, str]) -> RewardTerms:
    return RewardTerms(
        reward["side"], reward["kind"], Decimal(reward["amount"]), reward["currency"]
    )


def _is_over(moment: str, now: datetime) -> bool:
    return datetime.fromisoformat(moment) <= now


def _texts(sums: Mapping[str, Decimal]) -> dict[str, str]:
    return {unit: money.as_text(total, unit) for unit, total in sorted(sums.items())}
