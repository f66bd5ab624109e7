"""The rules that are tried: a milestone, and what a referral would give."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Self

from referral_factory import money
from referral_factory.errors import InvalidInput
from referrals.facts import Milestone
from referrals.milestones import milestone_of, shown_terms
from referrals.models import Campaign
from referrals.services.rules import refuse_bad_rules
from rewards.models import RewardRule

# Columns of a campaign, and the terms of a milestone that they are.
TERMS = {
    "milestone_event": "event_name",
    "milestone_minimum": "minimum",
    "milestone_condition": "condition",
    "milestone_count": "count",
    "milestone_sum": "sum",
    "milestone_within_days": "within",
    "holding_days": "holding",
    "match_days": "match",
    "reversal_events": "reversal_events",
    "reversal_policy": "reversal_policy",
}
PAIR = {"count", "sum"}  # either is tried instead of both
SHOWN = {
    "minimum": "minimum_amount",
    "within": "within_days",
    "holding": "holding_days",
    "match": "match_days",
}


@dataclass(frozen=True, slots=True)
class RewardTerms:
    """What a reward rule says, whether it is kept or only tried."""

    side: str
    kind: str
    amount: Decimal
    currency: str

    def as_json(self) -> dict[str, str]:
        amount = money.as_text(self.amount, self.currency)
        return {
            "side": self.side,
            "kind": self.kind,
            "amount": amount,
            "currency": self.currency,
        }

    @classmethod
    def from_json(cls, terms: Mapping[str, str]) -> Self:
        return cls(**{**terms, "amount": Decimal(terms["amount"])})  # type: ignore[arg-type]

    @property
    def says(self) -> str:
        return f"{money.for_people(self.amount, self.currency)} to the {self.side}"


@dataclass(frozen=True)
class Rules:
    """`changed` names the terms of the milestone that are tried. All others were what
    they were when each event was judged, whatever they are now."""

    milestone: Milestone
    changed: tuple[str, ...] = ()
    rewards: tuple[RewardTerms, ...] | None = None  # None: none are tried

    def over(self, kept: Milestone) -> Milestone:
        """Rules of some time, with what is tried."""
        tried = {name: getattr(self.milestone, name) for name in self.changed}
        return replace(kept, **tried)

    def as_json(self) -> dict[str, Any]:
        kept = None if self.rewards is None else [r.as_json() for r in self.rewards]
        return {
            "milestone": self.milestone.as_json(),
            "changed": list(self.changed),
            "reward_rules": kept,
        }

    @classmethod
    def from_json(cls, terms: Mapping[str, Any]) -> Self:
        kept = terms["reward_rules"]
        rewards = None if kept is None else tuple(map(RewardTerms.from_json, kept))
        milestone = Milestone.from_json(terms["milestone"])
        return cls(milestone, tuple(terms.get("changed", ())), rewards)


def rules_of(campaign: Campaign) -> Rules:
    """What holds in a campaign now."""
    kept = RewardRule.objects.filter(campaign=campaign, retired_at=None).order_by("id")
    rewards = tuple(
        RewardTerms(rule.side, rule.kind, rule.amount, rule.currency) for rule in kept
    )
    return Rules(milestone_of(campaign), rewards=rewards)


def tried_rules(
    campaign: Campaign,
    changes: Mapping[str, Any],
    rewards: tuple[RewardTerms, ...] | None = None,
) -> Rules:
    """The campaign's rules with these changes of its columns; others are not looked at.

    They are refused as saving them would be.
    """
    imagined = copy.copy(campaign)
    for name in TERMS.keys() & changes.keys():
        setattr(imagined, name, changes[name])
    refuse_bad_rules(imagined)
    changed = [term for name, term in TERMS.items() if name in changes]
    if PAIR & set(changed):
        changed = [term for term in changed if term not in PAIR] + sorted(PAIR)
    return Rules(milestone_of(imagined), tuple(changed), rewards)


def reward_terms(
    campaign: Campaign, given: Sequence[Mapping[str, Any]] | None
) -> tuple[RewardTerms, ...] | None:
    """Reward rules to try, from what was sent; None where none were."""
    if given is None:
        return None
    return tuple(_terms(campaign, n, each) for n, each in enumerate(given))


def differences(held: Rules, tried: Rules) -> Iterator[tuple[str, Any, Any]]:
    """What is tried: its name, as it is now, as it is tried."""
    now = shown_terms(held.milestone.as_json())
    then = shown_terms(tried.milestone.as_json())
    for name in (SHOWN.get(term, term) for term in tried.changed):
        if name not in PAIR or now[name] != then[name]:
            yield name, now[name], then[name]
    if tried.rewards is not None:
        yield "reward_rules", _said(held.rewards or ()), _said(tried.rewards)


def _terms(campaign: Campaign, n: int, given: Mapping[str, Any]) -> RewardTerms:
    currency = given.get("currency", campaign.currency)
    if currency != campaign.currency:
        raise InvalidInput(
            f"/reward_rules/{n}/currency",
            f"The campaign's currency is {campaign.currency}.",
            "wrong_currency",
        )
    if given["amount"] != round(given["amount"], money.places(currency)):
        raise InvalidInput(
            f"/reward_rules/{n}/amount",
            f"{currency} has {money.places(currency)} decimal places.",
            "too_many_places",
        )
    return RewardTerms(given["side"], given["kind"], given["amount"], currency)


def _said(rewards: Sequence[RewardTerms]) -> list[str]:
    return [each.says for each in rewards]
