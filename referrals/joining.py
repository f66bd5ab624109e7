"""Addresses of pages that are somebody's own: signed, not stored."""

from django.conf import settings
from django.core import signing

from referrals.models import JoinRequest, Participant

CONFIRMATION = "referrals.confirmation"  # salts: one kind never passes for another
PORTAL = "referrals.portal"


def confirmation_url(request: JoinRequest) -> str:
    """Where the mailbox of a join request answers that it is theirs."""
    token = signing.dumps(request.public_id, salt=CONFIRMATION)
    return f"{settings.PUBLIC_URL}/join/confirm/{token}"


def portal_url(participant: Participant) -> str:
    """Their own page. It ends with their code: a new code is a new address."""
    token = signing.dumps([participant.public_id, participant.code], salt=PORTAL)
    return f"{settings.PUBLIC_URL}/portal/{token}"
