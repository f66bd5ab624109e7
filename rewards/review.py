"""Signs that a reward should be looked at by a person. Pure functions.

Each signal looks at facts that were gathered once and returns a reason, with what it
saw, or None. A shared address or mailbox is never proof: it flags, it does not refuse.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from referral_factory import money
from referrals.mailboxes import alike


@dataclass(frozen=True)
class PersonFacts:
    """What we know of one side: where they came from, and their mailbox."""

    email: str | None
    visits: frozenset[tuple[str, str]]  # (address, user agent), as enrolled or clicked


@dataclass(frozen=True)
class RewardFacts:
    amount: Decimal
    currency: str
    advocate: PersonFacts
    friend: PersonFacts
    marks: tuple[dict[str, str], ...] = ()  # of the referral: see attribution.DOUBTS


@dataclass(frozen=True)
class Policy:
    """What a campaign says about review."""

    amount_limit: Decimal | None


@dataclass(frozen=True)
class Reason:
    code: str
    detail: str
    evidence: dict[str, Any]


def review(facts: RewardFacts, policy: Policy) -> list[dict[str, Any]]:
    """The reasons to flag, as they are stored; none means that it may go on."""
    found = (signal(facts, policy) for signal in SIGNALS)
    return [asdict(reason) for reason in found if reason]


def same_address_and_agent(facts: RewardFacts, policy: Policy) -> Reason | None:
    shared = sorted(facts.advocate.visits & facts.friend.visits)
    if not shared:
        return None
    address, user_agent = shared[0]
    return Reason(
        "same_address_and_agent",
        "Advocate and friend came from one address with the same browser.",
        {"address": address, "user_agent": user_agent},
    )


def similar_mailbox(facts: RewardFacts, policy: Policy) -> Reason | None:
    one, other = facts.advocate.email, facts.friend.email
    if not one or not other or not alike(one, other):
        return None
    return Reason(
        "similar_mailbox",
        "Their mailboxes look like one person's.",
        {"advocate": one, "friend": other},
    )


def doubtful_attribution(facts: RewardFacts, policy: Policy) -> Reason | None:
    if not facts.marks:
        return None
    return Reason(
        "doubtful_attribution",
        "The friend may have come without the advocate's doing.",
        {mark["code"]: mark["detail"] for mark in facts.marks},
    )


def amount_over_limit(facts: RewardFacts, policy: Policy) -> Reason | None:
    if policy.amount_limit is None or facts.amount <= policy.amount_limit:
        return None
    limit = money.as_text(policy.amount_limit, facts.currency)
    return Reason(
        "amount_over_limit",
        f"The amount is above the campaign's limit of {limit} {facts.currency}.",
        {"amount": money.as_text(facts.amount, facts.currency), "limit": limit},
    )


SIGNALS: tuple[Callable[[RewardFacts, Policy], Reason | None], ...] = (
    same_address_and_agent,
    similar_mailbox,
    doubtful_attribution,
    amount_over_limit,
)
