"""Rules of what may be earned: every version is kept."""

from decimal import Decimal

import pytest

from referral_factory.errors import InvalidInput
from rewards.models import RewardRule, RewardRuleVersion
from rewards.services.rules import (
    RuleIsRetired,
    change_rule,
    create_rule,
    retire_rule,
)
from tests.factories import make_campaign
from tests.steps import NOON

OPS = "user:ops"


def new_rule(**fields: object) -> RewardRule:
    defaults = {"side": "advocate", "amount": Decimal(10), "currency": "USD"}
    return create_rule(make_campaign(), by=OPS, **{**defaults, **fields})  # type: ignore[arg-type]


def versions() -> list[tuple[int, str, str]]:
    rows = RewardRuleVersion.objects.order_by("version")
    return [(row.version, row.terms["amount"], row.made_by) for row in rows]


def test_new_rule_has_its_first_version() -> None:
    rule = new_rule()
    assert rule.version == 1
    assert versions() == [(1, "10", OPS)]


def test_change_is_a_new_version_and_the_old_one_is_kept() -> None:
    rule = change_rule(new_rule(), amount=Decimal("12.50"), by="user:ann")
    assert (rule.version, rule.amount) == (2, Decimal("12.50"))
    assert versions() == [(1, "10", OPS), (2, "12.50", "user:ann")]


def test_same_amount_is_no_change() -> None:
    assert change_rule(new_rule(), amount=Decimal("10.00"), by=OPS).version == 1
    assert len(versions()) == 1


def test_rule_pays_in_the_campaigns_currency() -> None:
    with pytest.raises(InvalidInput) as refusal:
        new_rule(currency="EUR")
    assert refusal.value.pointer == "/currency"
    assert not RewardRule.objects.exists()


def test_retired_rule_is_neither_changed_nor_retired_again() -> None:
    rule = retire_rule(new_rule(), wall=NOON)

    with pytest.raises(RuleIsRetired):
        change_rule(rule, amount=Decimal(1), by=OPS)
    with pytest.raises(RuleIsRetired):
        retire_rule(rule, wall=NOON)
