"""What a referral that counts gives, and to whom. Pure functions.

The real granting, a dry run and a backtest ask the same function, so that none of them
can promise what another would not give.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar

from referral_factory import money
from referrals.models import Participant
from rewards.models import RewardRule, Side


class Rule(Protocol):
    """What a reward rule says: one that is kept, or one that is being tried."""

    @property
    def side(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def amount(self) -> Decimal: ...
    @property
    def currency(self) -> str: ...


R = TypeVar("R", bound="Rule | RewardRule")


@dataclass(frozen=True, slots=True)
class Grant(Generic[R]):
    """One reward that a referral gives once it qualifies."""

    rule: R
    amount: Decimal
    currency: str

    @property
    def to_the_advocate(self) -> bool:
        return self.rule.side == Side.ADVOCATE

    def as_json(self) -> dict[str, Any]:
        return {
            "side": str(self.rule.side),
            "kind": str(self.rule.kind),
            "amount": money.as_text(self.amount, self.currency),
            "currency": self.currency,
        }


def rewards_for(
    rules: Iterable[R], *, advocate_status: str, friend_status: str
) -> list[Grant[R]]:
    """What these rules give for a referral that qualifies, in the order of the rules.

    Nothing goes to who is not active (blocked, erased, merged away).
    """
    status_of = {Side.ADVOCATE: advocate_status, Side.FRIEND: friend_status}
    return [
        Grant(rule, rule.amount, rule.currency)
        for rule in rules
        if may_be_rewarded(status_of[Side(rule.side)])
    ]


def may_be_rewarded(status: str) -> bool:
    return status == Participant.Status.ACTIVE
