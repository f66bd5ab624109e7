"""How people, referrals and events look from outside, for who shows thousands at once.

Their serializers say what the fields are, and show by this; a test compares it with
what the fields would show one by one.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus
from uuid import UUID

from django.conf import settings

from referral_factory import money
from referral_factory.ids import to_public
from referral_factory.wire import moment_as_text
from referrals.counts import COUNTED
from referrals.models import Participant
from referrals.telling import summary_of_event


class Links(NamedTuple):
    """All that links of a campaign have in common: they end with the code."""

    url: str
    email: str
    whatsapp: str
    x: str


def show_participant(participant: Any) -> dict[str, Any]:
    """`participant` is prepared: see ParticipantSerializer.prepare."""
    since, merged = participant.customer_since, participant.merged_into_id
    return {
        "id": participant.public_id,
        "campaign": campaign_id(participant.campaign_id),
        "external_id": participant.external_id,
        "email": participant.email,
        "name": participant.name,
        "status": participant.status,
        "code": participant.code,
        "link": show_link(participant),
        "attributes": participant.attributes,
        "source": participant.source,
        "referred_by": show_advocate(participant.credits),
        "merged_into": merged and to_public(participant.PREFIX, merged),
        "customer_since": since and moment_as_text(since),
        "counts": {name: getattr(participant, column) for name, column in COUNTED},
        "created_at": moment_as_text(participant.created_at),
    }


def show_link(participant: Participant) -> dict[str, Any]:
    links = _links(settings.PUBLIC_URL, participant.campaign.name)
    code = participant.code
    url = links.url + code
    return {
        "url": url,
        "qr_url": f"{url}/qr.svg",
        "share": {
            "email": links.email + code,
            "whatsapp": links.whatsapp + code,
            "x": links.x + code,
        },
    }


def show_advocate(referrals: Sequence[Any]) -> dict[str, str] | None:
    for referral in referrals:
        return {
            "referral": referral.public_id,
            "advocate": referral.advocate.public_id,
            "code": referral.advocate.code,
        }
    return None


def show_referral(referral: Any) -> dict[str, Any]:
    return {
        "id": referral.public_id,
        "campaign": campaign_id(referral.campaign_id),
        "advocate": to_public("ptc", referral.advocate_id),
        "friend": to_public("ptc", referral.friend_id),
        "status": referral.status,
        "way": referral.way,
        "click": public_or_none("clk", referral.click_id),
        "clicked_at": moment_or_none(referral.clicked_at),
        "reason": referral.reason,
        "decided_by": referral.decided_by,
        "marks": referral.marks,
        # Referrals from before decisions were kept have none.
        "explanation": referral.decision.get("checks", []),
        "milestone_event": public_or_none("evt", referral.milestone_event_id),
        "created_at": moment_as_text(referral.created_at),
        "expires_at": moment_as_text(referral.expires_at),
        "holds_until": moment_or_none(referral.holds_until),
        "qualified_at": moment_or_none(referral.qualified_at),
        "disqualified_at": moment_or_none(referral.disqualified_at),
    }


def show_event(event: Any) -> dict[str, Any]:
    amount, currency = event.amount, event.currency
    return {
        "id": event.public_id,
        "campaign": campaign_id(event.campaign_id),
        "event_id": event.event_id,
        "source": event.source,
        "name": event.name,
        "participant": public_or_none("ptc", event.participant_id),
        "referral": public_or_none("ref", event.referral_id),
        "outcome": event.outcome,
        "counts": event.counts,
        "amount": None if amount is None else money.as_text(amount, currency),
        "currency": currency or None,
        "properties": event.properties,
        "reverses": event.reverses,
        "occurred_at": moment_as_text(event.occurred_at),
        "received_at": moment_as_text(event.received_at),
        "rules_version": event.rules_version,
        "summary": summary_of_event(event),
        "explanation": event.decision.get("checks", []),
    }


def public_or_none(prefix: str, value: UUID | None) -> str | None:
    return None if value is None else to_public(prefix, value)


def moment_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else moment_as_text(moment)


@lru_cache(maxsize=1000)
def campaign_id(pk: Any) -> str:
    return to_public("cmp", pk)


@lru_cache(maxsize=1000)
def _links(public_url: str, campaign: str) -> Links:
    """A code has nothing in it that would have to be quoted."""
    url = f"{public_url}/r/"
    text = quote(f"{campaign}: {url}")
    return Links(
        url=url,
        email=f"mailto:?subject={quote(campaign)}&body={text}",
        whatsapp=f"https://wa.me/?text={text}",
        x=f"https://x.com/intent/post?url={quote_plus(url)}",
    )
