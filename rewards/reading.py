"""The rewards of referrals, in one statement: each event is answered with them."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import orjson

from referral_factory import prepared
from referral_factory.ids import to_public
from referral_factory.prepared import array
from rewards.models import Reward
from rewards.showing import show_reward

STATEMENT = """
    SELECT id, campaign_id, referral_id, recipient_id, side, rule_id, rule_version,
        kind, amount, currency, status, reasons, decided_by, decided_at, decision_note,
        available_at, reference, issued_at, disputed_at, created_at
    FROM rewards_reward WHERE referral_id = ANY (%(referrals)s::uuid[]) ORDER BY id
"""


def read_rewards(referrals: Collection[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """As the API shows them, by referral, in the order that they were granted in."""
    rewards: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for reward in _rewards(referrals) if referrals else ():
        rewards[reward.referral_id].append(show_reward(reward))
    return rewards


def _rewards(referrals: Collection[UUID]) -> Iterator[SimpleNamespace]:
    found = prepared.execute(STATEMENT, {"referrals": array(referrals)})
    names = [column.name for column in found.description or ()]
    for values in found:
        row = dict(zip(names, values, strict=True))
        yield SimpleNamespace(
            **{**row, "reasons": orjson.loads(row["reasons"])},
            public_id=to_public(Reward.PREFIX, row["id"]),
        )
