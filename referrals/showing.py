"""How a participant looks from outside, for who shows thousands of them at once.

ParticipantSerializer says what the fields are, and shows by this; a test compares it
with what its fields would show one by one.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

from django.conf import settings

from referral_factory.ids import to_public
from referral_factory.wire import moment_as_text
from referrals.counts import COUNTED
from referrals.models import Participant


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
