"""Making and revoking API keys, and recognising them again."""

import hashlib
import hmac
import re
import secrets
import string
import time
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from referral_factory.access.models import ApiKey
from referral_factory.errors import DomainError
from referral_factory.ids import to_public
from referral_factory.wire import moment_as_text

RESOURCES = (
    "campaigns",
    "participants",
    "referrals",
    "events",
    "sources",
    "rewards",
    "coupons",
    "webhooks",
    "keys",
)
ALL_SCOPES: tuple[str, ...] = (
    *(f"{resource}:{right}" for resource in RESOURCES for right in ("read", "write")),
    "rewards:review",
    "rewards:issue",
    "reports:read",
)

ALPHABET = string.ascii_letters + string.digits
LOOKUP_LENGTH = 8
SECRET_LENGTH = 32  # 190 bits: no need for a slow hash
KEY = re.compile(
    rf"rf_(?:live|test)_([0-9A-Za-z]{{{LOOKUP_LENGTH}}})[0-9A-Za-z]{{{SECRET_LENGTH}}}"
)
USED_EVERY = timedelta(minutes=1)  # how exact `last_used_at` is

# Keys that were found a moment ago, by their hash, each with when to look again: a
# busy backend calls many times a second. Short, so that a revoked key soon ends.
REMEMBERED_FOR = 1.0  # seconds
MOST_REMEMBERED = 1000
_remembered: dict[str, tuple[ApiKey, float]] = {}


class KeyIsTooWide(DomainError):
    code = "key_is_too_wide"


def create_key(
    *,
    name: str,
    mode: str,
    scopes: Sequence[str],
    campaign_ids: Collection[UUID] = (),
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key, and its text, which nobody can find out again."""
    lookup = _random(LOOKUP_LENGTH)
    text = f"rf_{mode}_{lookup}{_random(SECRET_LENGTH)}"
    key = ApiKey.objects.create(
        name=name,
        mode=mode,
        lookup=lookup,
        secret_hash=_hash(text),
        scopes=sorted(set(scopes)),
        campaign_ids=sorted(set(campaign_ids)),
        expires_at=expires_at,
    )
    return key, text


def create_narrower_key(
    maker: ApiKey,
    *,
    name: str,
    scopes: Sequence[str],
    mode: str | None = None,
    campaign_ids: Collection[UUID] = (),
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key that may do no more, nowhere else and no longer than its maker.

    What is left out is the maker's. KeyIsTooWide when it would be more than that.
    """
    excess = {
        "scopes": sorted(set(scopes) - set(maker.scopes)),
        "mode": [mode] if mode not in (None, maker.mode) else [],
        "campaigns": _beyond(campaign_ids, maker.campaign_ids),
        "expires_at": _beyond_expiry(expires_at, maker.expires_at),
    }
    if too_wide := {name: values for name, values in excess.items() if values}:
        raise KeyIsTooWide("A key cannot make one that may do more.", excess=too_wide)
    return create_key(
        name=name,
        mode=maker.mode,
        scopes=scopes,
        campaign_ids=campaign_ids or maker.campaign_ids,
        expires_at=expires_at or maker.expires_at,
    )


def revoke_key(key: ApiKey, *, now: datetime | None = None) -> None:
    """End a key: here at once, in other processes within REMEMBERED_FOR.

    Revoking it again changes nothing.
    """
    now = now or timezone.now()
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now)
    forget_keys()
    key.refresh_from_db(fields=["revoked_at"])


def find_key(text: str) -> ApiKey | None:
    """The key with this text, working or not."""
    match = KEY.fullmatch(text)
    if match is None:
        return None
    digest, clock = _hash(text), time.monotonic()
    known = _remembered.get(digest)
    if known and clock < known[1]:
        return known[0]
    key = ApiKey.objects.filter(lookup=match[1]).first()
    if key is None or not hmac.compare_digest(key.secret_hash, digest):
        return None
    if len(_remembered) >= MOST_REMEMBERED:
        forget_keys()
    _remembered[digest] = (key, clock + REMEMBERED_FOR)
    return key


def forget_keys() -> None:
    """Look every key up again at its next call."""
    _remembered.clear()


def note_use(key: ApiKey, *, now: datetime) -> None:
    """Keep when the key was last used, to the minute: not one write per call."""
    if key.last_used_at is None or now - key.last_used_at >= USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        key.last_used_at = now


def _beyond(campaign_ids: Collection[UUID], own: Collection[UUID]) -> list[str]:
    outside = set(campaign_ids) - set(own) if own else set()
    return sorted(to_public("cmp", campaign_id) for campaign_id in outside)


def _beyond_expiry(expires_at: datetime | None, own: datetime | None) -> list[str]:
    if expires_at is None or own is None or expires_at <= own:
        return []
    return [moment_as_text(expires_at)]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
