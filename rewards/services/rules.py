"""Rules of what may be earned. Every change is a new version; none is forgotten."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from referral_factory.errors import DomainError, InvalidInput
from referrals.models import Campaign
from rewards.models import Kind, RewardRule, RewardRuleVersion


class RuleIsRetired(DomainError):
    code = "rule_is_retired"


@transaction.atomic
def create_rule(
    campaign: Campaign, *, side: str, amount: Decimal, currency: str, by: str
) -> RewardRule:
    _refuse_another_currency(campaign, currency)
    rule = RewardRule.objects.create(
        campaign=campaign, side=side, kind=Kind.FIXED, amount=amount, currency=currency
    )
    _keep_version(rule, by)
    return rule


@transaction.atomic
def change_rule(rule: RewardRule, *, amount: Decimal, by: str) -> RewardRule:
    """Another amount from now on. What was granted keeps the version it was made by."""
    locked = RewardRule.objects.select_for_update(no_key=True).get(pk=rule.pk)
    _refuse_if_retired(locked)
    if amount != locked.amount:
        locked.amount = amount
        locked.version += 1
        locked.save(update_fields=["amount", "version"])
        _keep_version(locked, by)
    return locked


@transaction.atomic
def retire_rule(rule: RewardRule, *, wall: datetime) -> RewardRule:
    """Grant nothing more by it. What it granted stays as it is."""
    locked = RewardRule.objects.select_for_update(no_key=True).get(pk=rule.pk)
    _refuse_if_retired(locked)
    locked.retired_at = wall
    locked.save(update_fields=["retired_at"])
    return locked


@transaction.atomic
def copy_rules(copied_from: Campaign, campaign: Campaign, *, by: str) -> None:
    """Give a campaign the rules of another, as they are now."""
    for rule in copied_from.reward_rules.filter(retired_at=None).order_by("id"):
        create_rule(
            campaign,
            side=rule.side,
            amount=rule.amount,
            currency=rule.currency,
            by=by,
        )


def _refuse_if_retired(rule: RewardRule) -> None:
    if rule.retired_at:
        raise RuleIsRetired(f"The rule was retired on {rule.retired_at:%Y-%m-%d}.")


def _refuse_another_currency(campaign: Campaign, currency: str) -> None:
    if currency != campaign.currency:
        raise InvalidInput(
            "/currency", f"The campaign's currency is {campaign.currency}."
        )


def _keep_version(rule: RewardRule, by: str) -> None:
    terms = {
        "side": rule.side,
        "kind": rule.kind,
        "amount": str(rule.amount),
        "currency": rule.currency,
    }
    RewardRuleVersion.objects.create(
        rule=rule, version=rule.version, terms=terms, made_by=by
    )
