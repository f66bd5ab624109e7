"""How a campaign stands, told alike by the model and by the product."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from tests.model.product import Row, Rows
from tests.model.world import Referral, World

Story = dict[str, Any]


def told_by_model(model: World, rows: Rows) -> Story:
    """Where the product did not look at the clock yet, it granted nothing yet."""
    late = {row["friend__external_id"] for row in rows.referrals if _due(row, rows)}
    return {
        "events": {
            key: _event(event.outcome, event.counts, event.version)
            for key, event in model.events.items()
        },
        "referrals": {
            who: _referral(each, rewards=who not in late)
            for who, each in model.referrals.items()
        },
    }


def told_by_product(rows: Rows) -> Story:
    moves: dict[Any, list[Any]] = defaultdict(list)
    rewards: dict[Any, Story] = defaultdict(dict)
    for row in rows.changes:
        by = row["event__event_id"] or ""
        move = (row["from_status"], row["to_status"], row["at"], by)
        moves[row["referral_id"]].append(move)
    for row in rows.rewards:
        codes = {reason["code"] for reason in row["reasons"]}
        told = _reward(row["status"], row["disputed_at"] is not None, codes)
        rewards[row["referral_id"]][row["side"]] = told
    return {
        "events": {
            row["event_id"]: _event(row["outcome"], row["counts"], row["rules_version"])
            for row in rows.events
        },
        "referrals": {
            row["friend__external_id"]: _row(
                row, moves[row["pk"]], rewards[row["pk"]], _due(row, rows)
            )
            for row in rows.referrals
        },
    }


def differences(product: Any, model: Any, path: str = "") -> list[str]:
    """Where the two say something else, one line each."""
    if isinstance(product, dict) and isinstance(model, dict):
        keys = sorted({*product, *model})
        pairs = ((key, product.get(key), model.get(key)) for key in keys)
        found = (differences(a, b, f"{path}/{key}") for key, a, b in pairs)
        return [line for lines in found for line in lines]
    if product == model:
        return []
    return [f"{path}: the product says {product}, the model says {model}"]


def _event(outcome: str, counts: bool, version: int) -> Story:
    """An event that waits was not judged, so by no rules either."""
    story: Story = {"outcome": outcome, "counts": counts}
    return story if outcome == "unmatched" else {**story, "rules": version}


def _referral(each: Referral, *, rewards: bool) -> Story:
    moments = {"holding": each.holds_until, "qualified": each.qualified_at}
    story: Story = {
        "status": each.status,
        "milestone": each.milestone.said.id if each.milestone else None,
        "when": moments.get(each.status),
        "expires_at": each.expires_at,
        "moves": each.moves,
    }
    if rewards:
        story["rewards"] = {
            side: _reward(reward.status, reward.disputed, reward.reasons)
            for side, reward in each.rewards.items()
        }
    return story


def _row(row: Row, moves: list[Any], rewards: Story, due: datetime | None) -> Story:
    """As if the clock had been heeded already: what is due is not told apart."""
    status = row["status"]
    moments = {"holding": row["holds_until"], "qualified": row["qualified_at"]}
    if due:
        to = "expired" if status == "pending" else "qualified"
        moves = [*moves, (status, to, due, "")]
        status, moments = to, {"qualified": due}
    story: Story = {
        "status": status,
        "milestone": row["milestone_event__event_id"],
        "when": moments.get(status),
        "expires_at": row["expires_at"],
        "moves": moves,
    }
    return story if due else {**story, "rewards": rewards}


def _due(row: Row, rows: Rows) -> datetime | None:
    """When the clock decided about it, where nothing has looked since."""
    moments = {"pending": row["expires_at"], "holding": row["holds_until"]}
    moment = moments.get(row["status"])
    return moment if moment and moment <= rows.now else None


def _reward(status: str, disputed: bool, reasons: set[str]) -> Story:
    """Reasons stay behind when a reward leaves the queue; they are past then."""
    story: Story = {"status": status, "disputed": disputed}
    return {**story, "reasons": sorted(reasons)} if status == "flagged" else story
