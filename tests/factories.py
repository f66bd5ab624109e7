"""Plain functions that save one valid row each. Pass only what the test is about."""

from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.utils import timezone

from referral_factory.access.services import ALL_SCOPES, create_key
from referrals.mailboxes import canonical
from referrals.models import Campaign, Participant, Referral
from rewards.models import Reward, RewardRule, Side

_numbers = count(1)


def make_campaign(**fields: Any) -> Campaign:
    n = next(_numbers)
    defaults = {
        "name": f"Campaign {n}",
        "slug": f"campaign-{n}",
        "mode": "test",
        "status": "live",
        "owner": "ops@example.com",
        "currency": "USD",
        "landing_url": "https://shop.example/welcome",
        "milestone_event": "purchase",
        "milestone_minimum": Decimal(20),
        "review": {"amount_limit": "50.00"},
        "launched_at": timezone.now(),
    }
    return Campaign.objects.create(**{**defaults, **fields})


def make_participant(**fields: Any) -> Participant:
    n = next(_numbers)
    fields.setdefault("email", f"person{n}@example.com")
    fields.setdefault("external_id", f"c-{n}")
    if "campaign" not in fields:
        fields["campaign"] = make_campaign()
    email = fields["email"]
    fields["email_canonical"] = canonical(email) if email else None
    return Participant.objects.create(**fields)


def make_referral(**fields: Any) -> Referral:
    people = [fields.get("advocate"), fields.get("friend")]
    known = next((person for person in people if person), None)
    campaign = fields.get("campaign") or (known and known.campaign) or make_campaign()
    now = campaign.now()
    defaults = {
        "campaign": campaign,
        "way": Referral.Way.CODE,
        "created_at": now,
        "expires_at": now + timedelta(days=90),
    }
    for side in ("advocate", "friend"):
        if not fields.get(side):
            fields[side] = make_participant(campaign=campaign)
    if fields.get("status") == Referral.Status.QUALIFIED:
        defaults["qualified_at"] = now
    return Referral.objects.create(**{**defaults, **fields})


def make_rule(**fields: Any) -> RewardRule:
    campaign = fields.pop("campaign", None) or make_campaign()
    defaults = {"side": Side.ADVOCATE, "amount": Decimal(10), "currency": "USD"}
    return RewardRule.objects.create(campaign=campaign, **{**defaults, **fields})


def make_reward(**fields: Any) -> Reward:
    """A reward to the advocate of a qualified referral, in a legal row of its status."""
    referral = fields.pop("referral", None) or make_referral(
        status=Referral.Status.QUALIFIED, campaign=fields.pop("campaign", None)
    )
    rule = fields.pop("rule", None) or make_rule(campaign=referral.campaign)
    now = referral.campaign.now()
    defaults = {
        "campaign": referral.campaign,
        "referral": referral,
        "rule": rule,
        "rule_version": rule.version,
        "recipient": referral.advocate,
        "side": rule.side,
        "kind": rule.kind,
        "amount": rule.amount,
        "currency": rule.currency,
        "reasons": [{"code": "amount_over_limit", "detail": "Big.", "evidence": {}}],
        "decided_by": "review",
        "decided_at": now,
        "issued_by": "user:ops",
        "issued_at": now,
        "available_at": now,
    }
    return Reward.objects.create(**{**defaults, **fields})


def make_key(*, mode: str = "test", **fields: Any) -> str:
    """The text of a new API key; with all scopes unless others are given."""
    defaults = {"name": "Backend", "scopes": ALL_SCOPES}
    return create_key(mode=mode, **{**defaults, **fields})[1]
