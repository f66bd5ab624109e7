"""The cookie that links leave in a browser: the first click of each campaign, signed.

One cookie for all campaigns, so that whoever passes it on knows its name. It holds the
keys of campaigns and clicks, 32 bytes a pair, the latest campaign last.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from django.core.signing import BadSignature, Signer

from referrals.models import Click

COOKIE = "rf_click"
MAX_CAMPAIGNS = 8  # in one cookie, which stays below 400 characters


def sign_click(click: Click, beside: str = "") -> str:
    """What the cookie holds after a click: this one, beside those of other campaigns.

    Its age is judged by the click's, not by the cookie's.
    """
    return add_click(beside, click.campaign_id, click.pk)


def add_click(cookie: str, campaign_id: UUID, click_id: UUID) -> str:
    """The cookie with this click as the campaign's; what we did not sign is left."""
    clicks = _clicks(cookie)
    clicks.pop(campaign_id, None)
    clicks[campaign_id] = click_id
    kept = list(clicks.items())[-MAX_CAMPAIGNS:]
    pairs = b"".join(campaign.bytes + click.bytes for campaign, click in kept)
    value = urlsafe_b64encode(pairs).rstrip(b"=").decode()  # `=` would need quotes
    return Signer(salt=COOKIE).sign(value)


def read_cookie(cookie: str, campaign_id: UUID) -> UUID | None:
    """The click of a campaign in a cookie; None where there is none that we signed."""
    return _clicks(cookie).get(campaign_id)


def _clicks(cookie: str) -> dict[UUID, UUID]:
    if not cookie:
        return {}
    try:
        value = Signer(salt=COOKIE).unsign(cookie)
        pairs = urlsafe_b64decode(value + "=" * (-len(value) % 4))
        keys = [UUID(bytes=pairs[at : at + 16]) for at in range(0, len(pairs), 16)]
        return dict(zip(keys[::2], keys[1::2], strict=True))
    except (BadSignature, ValueError):
        return {}
