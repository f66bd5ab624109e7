"""The two links of the enrolment pages: signed, and kept nowhere.

The portal's ends when links with the code that its owner had then stop working. The
confirmation's ends with the request that it names.
"""

from uuid import UUID

from django.conf import settings
from django.core import signing
from django.urls import reverse

from referral_factory.ids import InvalidId, from_public
from referrals.models import JoinRequest, Participant

PORTAL = "portal"
CONFIRMATION = "join-confirmation"


class BadToken(ValueError):
    """Not a link of ours, or not all of it."""


def portal_path(participant: Participant) -> str:
    token = signing.dumps([participant.public_id, participant.code], salt=PORTAL)
    return reverse("portal", args=[token])


def portal_url(participant: Participant) -> str:
    """The address of somebody's own page: whoever has it sees their rewards."""
    return settings.PUBLIC_URL + portal_path(participant)


def read_portal_token(token: str) -> tuple[UUID, str]:
    """Whose page it is, and the code that they had then."""
    try:
        public_id, code = signing.loads(token, salt=PORTAL)
        return from_public(Participant.PREFIX, public_id), str(code)
    except (signing.BadSignature, InvalidId, ValueError) as error:
        raise BadToken from error


def confirmation_url(request: JoinRequest) -> str:
    """The address that says, once it is opened and answered: this mailbox is mine."""
    token = signing.dumps(request.public_id, salt=CONFIRMATION)
    path = reverse("join-confirm", args=[request.campaign.slug, token])
    return settings.PUBLIC_URL + path


def read_confirmation_token(token: str) -> UUID:
    """The request that it confirms. Whether that is still there, its row says."""
    try:
        public_id = signing.loads(token, salt=CONFIRMATION)
        return from_public(JoinRequest.PREFIX, public_id)
    except (signing.BadSignature, InvalidId, ValueError) as error:
        raise BadToken from error
