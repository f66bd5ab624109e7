"""From a body to a report of an event, or to the reason why there is none."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from referrals.event_rows import read_event
from referrals.models import Campaign
from referrals.services.events import Report
from webhooks.models import Arrival, Source
from webhooks.sources.bodies import read_body, read_query
from webhooks.sources.mapping import BadMapping, mapped, wanted
from webhooks.sources.refusing import NotTaken, of_faults
from webhooks.sources.verifying import Sent

SIGNED_ID = "webhook-id"
SECRET = {"authorization", "cookie", "proxy-authorization"}
SECRET |= {"webhook-signature", "svix-signature"}
MOST_HEADERS = 60
LONGEST_HEADER = 1000
LONGEST_QUERY = 4000


@dataclass(frozen=True)
class Reading:
    """What a body says. No report: it is not for us."""

    report: Report | None
    fields: Mapping[str, Any]  # of the event, as they were mapped


def read(
    campaign: Campaign,
    source: Source | None,
    sent: Sent,
    rules: Mapping[str, Any] | None = None,
) -> Reading:
    """The event in a body, by the source's mapping or by `rules` that are tried out.

    NotTaken where there is none to be had. Nobody's signature is looked at here.
    """
    if len(sent.query) > LONGEST_QUERY:
        raise NotTaken("query_too_long", f"A query of over {LONGEST_QUERY} characters.")
    body = read_body(sent.body, sent.content_type)
    if rules is None:
        rules = source.mapping if source else {}
    fields = _fields(source, rules, body, sent) if rules else _plain(body, campaign)
    if fields is None:
        return Reading(None, {})
    report = read_event(fields)
    if not isinstance(report, Report):
        raise of_faults(report)
    return Reading(report, fields)


def _fields(
    source: Source | None, rules: Mapping[str, Any], body: Any, sent: Sent
) -> dict[str, Any] | None:
    """The fields of the event; None where the mapping says that it is not for us."""
    values = {"body": body, "headers": sent.headers, "query": read_query(sent.query)}
    verification = source.verification if source else ""
    try:
        if not wanted(rules, values, verification):
            return None
        fields = mapped(rules, values, verification)
    except BadMapping as bad:
        raise of_faults(bad.faults) from bad
    return {"event_id": named_by(source, sent), **fields}


def _plain(body: Any, campaign: Campaign) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise NotTaken("wrong_body", "The body must be an object.")
    fields = dict(body)
    if fields.pop("campaign", campaign.public_id) != campaign.public_id:
        raise NotTaken("wrong_campaign", f"This is for {campaign.public_id}.")
    return fields


def named_by(source: Source | None, sent: Sent) -> str:
    """The id of an event whose mapping gives none: the same whenever it is sent again.

    It is made of what is signed: the id that Standard Webhooks sign, else the body.
    """
    if source and source.verification == Source.Verification.STANDARD_WEBHOOKS:
        signed = sent.header(SIGNED_ID)
        if signed:  # a queue has none
            return signed
    return f"sha256:{hashlib.sha256(sent.body).hexdigest()}"


def without_secrets(source: Source, sent: Sent, signed_id: str = "") -> Sent:
    """What is kept of it, and shown to the mapping: so that a replay reads the same.

    The id that was signed is kept whatever else is sent: no crowd of other headers
    pushes it out, to have the event named anew.
    """
    hidden = SECRET | {str(source.scheme.get("header", "")).lower()}
    headers = {"content-type": sent.content_type, **_readable(sent.headers, hidden)}
    if signed_id:
        headers[SIGNED_ID] = signed_id
    return Sent(sent.body, headers, sent.query, sent.address)


def _readable(headers: Mapping[str, str], hidden: set[str]) -> dict[str, str]:
    return {
        name: text
        for name, text in list(headers.items())[:MOST_HEADERS]
        if name not in hidden and len(text) <= LONGEST_HEADER and text.isprintable()
    }


def sent_before(arrival: Arrival) -> Sent:
    """What arrived, as it was kept."""
    headers = {"content-type": arrival.content_type, **arrival.headers}
    body = bytes(arrival.body or b"")
    return Sent(body, headers, arrival.query, arrival.address)
