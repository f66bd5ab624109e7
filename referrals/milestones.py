"""The rules of a campaign, as they are now and between two versions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any

from referral_factory import money
from referrals.facts import CampaignFacts, Milestone
from referrals.models import Campaign

WORDS = re.compile(r"\s+|\d+(?:\.\d+)?|\w+|[^\w\s]+")
AMOUNTS = ("minimum_amount", "sum")


def milestone_of(campaign: Campaign) -> Milestone:
    return Milestone(
        event_name=campaign.milestone_event,
        minimum=campaign.milestone_minimum,
        currency=campaign.currency,
        within=timedelta(days=campaign.milestone_within_days),
        holding=timedelta(days=campaign.holding_days),
        match=timedelta(days=campaign.match_days),
        reversal_events=tuple(campaign.reversal_events),
        version=campaign.version,
        condition=campaign.milestone_condition,
        count=campaign.milestone_count,
        sum=campaign.milestone_sum,
        reversal_policy=campaign.reversal_policy,
    )


def campaign_facts(campaign: Campaign) -> CampaignFacts:
    """What a condition may ask of a campaign."""
    return CampaignFacts(
        slug=campaign.slug,
        mode=campaign.mode,
        currency=campaign.currency,
        launched_at=campaign.launched_at,
    )


def shown_terms(terms: Mapping[str, Any]) -> dict[str, Any]:
    """The terms of a version as people and programs read them; older ones say less."""
    shown = Milestone.from_json(terms).as_json()
    for name in AMOUNTS:
        if shown[name] is not None:
            shown[name] = money.as_text(Decimal(shown[name]), shown["currency"])
    return shown


def differences(
    before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Which terms a version changed; none for the first one."""
    if before is None:
        return []
    older, newer = shown_terms(before), shown_terms(after)
    return [
        {"field": name, "before": older[name], "after": value}
        for name, value in newer.items()
        if name != "version" and older[name] != value
    ]


@dataclass(frozen=True)
class Part:
    """Some words of a rule; whether the other version has others in their place."""

    text: str
    changed: bool


@dataclass(frozen=True)
class Compared:
    """One of the rules in two versions, in parts."""

    name: str
    before: list[Part]
    after: list[Part]

    @property
    def changed(self) -> bool:
        return any(part.changed for part in (*self.before, *self.after))


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Compared]:
    """All rules of two versions, with what differs marked word by word."""
    older, newer = shown_terms(before), shown_terms(after)
    return [
        Compared(name, *_parts(_in_words(older[name]), _in_words(newer[name])))
        for name in newer
        if name != "version"
    ]


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "" if value is None else str(value)


def _parts(before: str, after: str) -> tuple[list[Part], list[Part]]:
    """Both texts in the same and other words, spaces kept as they are."""
    older, newer = WORDS.findall(before), WORDS.findall(after)
    left: list[Part] = []
    right: list[Part] = []
    matcher = SequenceMatcher(None, older, newer, autojunk=False)
    for same, a, b, c, d in matcher.get_opcodes():
        for parts, words in ((left, older[a:b]), (right, newer[c:d])):
            if words:
                parts.append(Part("".join(words), same != "equal"))
    return left, right
