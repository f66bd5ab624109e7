"""How a reward looks from outside, for who shows thousands of them at once.

RewardSerializer says what the fields are, and shows by this; a test compares it with
what its fields would show one by one.
"""

from typing import Any

from referral_factory import money
from referral_factory.ids import to_public
from referral_factory.wire import moment_as_text
from referrals.showing import campaign_id, moment_or_none


def show_reward(reward: Any) -> dict[str, Any]:
    return {
        "id": reward.public_id,
        "campaign": campaign_id(reward.campaign_id),
        "referral": to_public("ref", reward.referral_id),
        "recipient": to_public("ptc", reward.recipient_id),
        "side": reward.side,
        "rule": to_public("rul", reward.rule_id),
        "rule_version": reward.rule_version,
        "kind": reward.kind,
        "amount": money.as_text(reward.amount, reward.currency),
        "currency": reward.currency,
        "status": reward.status,
        "reasons": reward.reasons,
        "decided_by": reward.decided_by,
        "decided_at": moment_or_none(reward.decided_at),
        "decision_note": reward.decision_note,
        "available_at": moment_as_text(reward.available_at),
        "reference": reward.reference,
        "issued_at": moment_or_none(reward.issued_at),
        "disputed_at": moment_or_none(reward.disputed_at),
        "created_at": moment_as_text(reward.created_at),
    }
