"""Plain functions that save one valid row each. Pass only what the test is about."""

from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from django.utils import timezone

from referral_factory.access.services import ALL_SCOPES, create_key
from referral_factory.backtests.models import Backtest
from referral_factory.ids import new_id
from referral_factory.mail.models import Email, Kind
from referrals.mailboxes import canonical
from referrals.milestones import milestone_of
from referrals.models import (
    Campaign,
    Event,
    Import,
    Invitation,
    Participant,
    Referral,
    RefusedClaim,
)
from rewards.models import Reward, RewardRule, Side
from webhooks.models import Arrival, Delivery, Endpoint, Source

_numbers = count(1)

# The id of nobody and nothing, the same in every run.
NOBODY = UUID("01946a3e-0000-7000-8000-000000000000")


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
    # Each at a domain of their own: the mailboxes of two must not look alike.
    fields.setdefault("email", f"person@mail{n}.example.com")
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
    """A reward to the advocate of a qualified referral; legal in every status."""
    rule = fields.pop("rule", None)
    campaign = fields.pop("campaign", None) or (rule and rule.campaign)
    referral = fields.pop("referral", None) or make_referral(
        status=Referral.Status.QUALIFIED, campaign=campaign or make_campaign()
    )
    rule = rule or make_rule(campaign=referral.campaign)
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


def make_endpoint(**fields: Any) -> Endpoint:
    """An endpoint's row; webhooks.services makes one with a secret that signs."""
    defaults = {"mode": "test", "url": "https://shop.example/hooks", "secret": "-"}
    return Endpoint.objects.create(**{**defaults, **fields})


def make_delivery(**fields: Any) -> Delivery:
    """A delivery's row, of a message that need not be there."""
    if "endpoint" not in fields:
        fields["endpoint"] = make_endpoint()
    defaults = {"message_id": new_id(), "finished_at": timezone.now()}
    return Delivery.objects.create(**{**defaults, **fields})


def make_source(**fields: Any) -> Source:
    """A source's row; webhooks.services.sources makes one with its checks."""
    if "campaign" not in fields:
        fields["campaign"] = make_campaign()
    defaults = {"name": f"Shop {next(_numbers)}", "verification": "none"}
    return Source.objects.create(**{**defaults, **fields})


def make_arrival(*, recorded: bool = False, **fields: Any) -> Arrival:
    """What came from a source: refused, unless `recorded`, which is legal always."""
    source = fields.get("source") or make_source()
    defaults = {
        "source": source,
        "campaign": source.campaign,
        "status": "refused",
        "code": "bad_mapping",
        "reason": "A reason.",
        "body": b"{}",
    }
    if recorded:
        defaults["event"] = make_event(campaign=source.campaign)
    return Arrival.objects.create(**{**defaults, **fields})


def make_email(**fields: Any) -> Email:
    """The row of a welcome, which was not sent by anybody."""
    participant = fields.get("participant") or make_participant()
    defaults = {
        "campaign": participant.campaign,
        "participant": participant,
        "kind": Kind.WELCOME,
        "about": participant.pk,
        "finished_at": timezone.now(),
    }
    return Email.objects.create(**{**defaults, **fields})


def make_refused_claim(**fields: Any) -> RefusedClaim:
    """A claim about somebody that led nowhere, as if it had just been made."""
    if "friend" not in fields:
        fields["friend"] = make_participant()
    defaults = {
        "campaign": fields["friend"].campaign,
        "way": Referral.Way.CODE,
        "value": f"CODE{next(_numbers)}",
        "reason": "unknown",
        "detail": "No advocate of this campaign has this code.",
        "decision": {"checks": [], "rules": {}},
    }
    return RefusedClaim.objects.create(**{**defaults, **fields})


def make_invitation(**fields: Any) -> Invitation:
    if "advocate" not in fields:
        fields["advocate"] = make_participant()
    fields.setdefault("email", f"friend@mail{next(_numbers)}.example.com")
    fields["email_canonical"] = canonical(fields["email"])
    fields.setdefault("campaign", fields["advocate"].campaign)
    return Invitation.objects.create(**fields)


def make_event(**fields: Any) -> Event:
    """An event's row, as if it had decided nothing."""
    participant = fields.get("participant")
    campaign = fields.get("campaign") or (participant or make_participant()).campaign
    defaults: dict[str, Any] = {
        "campaign": campaign,
        "event_id": f"order-{next(_numbers)}",
        "name": "purchase",
        "occurred_at": campaign.now(),
        "outcome": Event.Outcome.RECORDED,
        "decision": {"checks": [], "milestone": {}},
    }
    return Event.objects.create(**{**defaults, **fields})


def make_key(*, mode: str = "test", **fields: Any) -> str:
    """The text of a new API key; with all scopes unless others are given."""
    defaults = {"name": "Backend", "scopes": ALL_SCOPES}
    return create_key(mode=mode, **{**defaults, **fields})[1]


def make_import(**fields: Any) -> Import:
    """An import's row, such as is left when its file is done with."""
    if "campaign" not in fields:
        fields["campaign"] = make_campaign()
    defaults: dict[str, Any] = {
        "status": "done",
        "filename": "people.csv",
        "encoding": "utf-8",
        "delimiter": ",",
        "header": ["email"],
        "mapping": {"email": "email"},
        "made_by": "user:ops",
        "finished_at": timezone.now(),
    }
    return Import.objects.create(**{**defaults, **fields})


def make_backtest(**fields: Any) -> Backtest:
    """The row of a trial that found nothing, of the rules as they are."""
    if "campaign" not in fields:
        fields["campaign"] = make_campaign()
    terms = {
        "milestone": milestone_of(fields["campaign"]).as_json(),
        "reward_rules": None,
    }
    defaults: dict[str, Any] = {
        "status": "done",
        "tried": terms,
        "held": terms,
        "made_by": "user:ops",
        "finished_at": timezone.now(),
    }
    return Backtest.objects.create(**{**defaults, **fields})
