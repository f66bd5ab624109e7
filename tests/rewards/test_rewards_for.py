"""What a referral that counts gives, without a database."""

from dataclasses import dataclass
from decimal import Decimal

from rewards.granting import rewards_for


@dataclass(frozen=True)
class Tried:
    side: str
    amount: Decimal
    currency: str = "USD"
    kind: str = "fixed"


TEN = Tried("advocate", Decimal(10))
FIVE = Tried("friend", Decimal(5))


def given(*rules: Tried, advocate: str = "active", friend: str = "active") -> list[str]:
    grants = rewards_for(rules, advocate_status=advocate, friend_status=friend)
    return [f"{grant.as_json()['amount']} {grant.rule.side}" for grant in grants]


def test_each_rule_gives_its_amount_in_the_order_of_the_rules() -> None:
    assert given(FIVE, TEN) == ["5.00 friend", "10.00 advocate"]


def test_nothing_goes_to_who_is_not_active() -> None:
    assert given(TEN, FIVE, advocate="blocked") == ["5.00 friend"]
    assert given(TEN, FIVE, friend="erased") == ["10.00 advocate"]


def test_no_rules_give_nothing() -> None:
    assert given() == []
