"""What rewards know of a person, and how it is taken out of them."""

from typing import Any

from django.db.models import Q

from referral_factory import admin_log
from referrals.erasure import Erasure
from rewards.models import Reward

# Reasons whose evidence is about money and ids. That of any other is about people.
IMPERSONAL = frozenset(
    {"amount_over_limit", "doubtful_attribution", "reopened", "milestone_reversed"}
)
WRITTEN = ("decision_note", "reference")  # by people and by other systems

Reasons = list[dict[str, Any]]


def forget_person(erasure: Erasure) -> None:
    """Leave amounts, states and who decided; take out what could name the person."""
    rewards = lock_rewards(erasure)
    for reward in rewards:
        left: dict[str, Any] = {
            each: erasure.redacted(getattr(reward, each)) for each in WRITTEN
        }
        left["reasons"] = without_evidence(reward.reasons, erasure)
        if any(getattr(reward, name) != value for name, value in left.items()):
            Reward.objects.filter(pk=reward.pk).update(**left)
    admin_log.redact([reward.pk for reward in rewards], erasure)


def lock_rewards(erasure: Erasure) -> list[Reward]:
    """Their own, and those of the other side of their referrals.

    Whoever reviews one of them is through by then, and has told what they saw.
    """
    theirs = Q(recipient__in=erasure.people) | Q(referral__in=erasure.referrals)
    rewards = Reward.objects.filter(theirs).order_by("id")
    return list(rewards.select_for_update(no_key=True))


def without_evidence(reasons: Reasons, erasure: Erasure) -> Reasons:
    """The reasons as they may be kept: evidence about people shows both sides."""
    return [
        {
            **reason,
            "detail": erasure.redacted(reason["detail"]),
            "evidence": _evidence(reason, erasure),
        }
        for reason in reasons
    ]


def _evidence(reason: dict[str, Any], erasure: Erasure) -> dict[str, Any]:
    return reason["evidence"] if reason["code"] in IMPERSONAL else {}
