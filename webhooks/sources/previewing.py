"""What a body would become, by the mapping as it is or by one that is tried out."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from referral_factory.wire import moment_as_text
from referrals.models import Campaign
from webhooks.models import Arrival, Source
from webhooks.sources.reading import Reading, read, sent_before
from webhooks.sources.refusing import NotTaken
from webhooks.sources.verifying import Sent


def preview(
    campaign: Campaign, source: Source, sent: Sent, rules: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The event that it would become, or why there is none. Nothing is written."""
    try:
        return _told(read(campaign, source, sent, rules))
    except NotTaken as refusal:
        return {
            "outcome": "refused",
            "event": None,
            "code": refusal.code,
            "reason": refusal.reason,
            "errors": [fault.as_json() for fault in refusal.faults],
        }


def sent_as_sample(given: Mapping[str, Any]) -> Sent:
    """A request with this body, as if it had come in."""
    if "sample" in given:
        body = json.dumps(given["sample"], default=float)
    else:
        body = given.get("body", "")
    named = {name.lower(): text for name, text in given.get("headers", {}).items()}
    kind = given.get("content_type") or named.get("content-type", "application/json")
    headers = {**named, "content-type": kind}
    return Sent(body.encode("utf-8", "replace"), headers, given.get("query", ""))


def sent_by(arrival: Arrival) -> Sent:
    """What arrived, to try a mapping on."""
    if arrival.body is None:
        raise NotTaken(
            "nothing_to_replay", "Its body was not kept, or was erased.", 409
        )
    return sent_before(arrival)


def _told(reading: Reading) -> dict[str, Any]:
    found = reading.report
    outcome = "event" if found else "ignored"
    nothing: dict[str, Any] = {"code": None, "reason": None, "errors": []}
    if found is None:
        return {"outcome": outcome, "event": None, **nothing}
    event = {
        "event_id": found.event_id,
        "name": found.name,
        "participant": found.participant,
        "occurred_at": found.occurred_at and moment_as_text(found.occurred_at),
        "amount": _plain(found.amount),
        "currency": found.currency or None,
        "reverses": found.reverses or None,
        "properties": found.properties,
    }
    return {"outcome": outcome, "event": event, **nothing}


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"
