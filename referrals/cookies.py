"""The cookie that a link leaves in a browser: which click it was, signed."""

from uuid import UUID

from django.core import signing

from referral_factory.ids import InvalidId, from_public
from referrals.models import Click

COOKIE = "rf_click"


def sign_click(click: Click) -> str:
    """What the cookie holds. Its age is judged by the click's, not by the cookie's."""
    return signing.dumps(click.public_id, salt=COOKIE)


def read_cookie(value: str) -> UUID | None:
    """The key of the click that a cookie tells of; None where we did not sign it."""
    try:
        found = signing.loads(value, salt=COOKIE)
        return from_public(Click.PREFIX, found) if isinstance(found, str) else None
    except (signing.BadSignature, InvalidId):
        return None
