"""The secrets of a source: kept encrypted, several while one replaces another."""

import base64
import binascii
import secrets as random
from datetime import datetime, timedelta
from typing import Any

from referral_factory.errors import InvalidInput
from webhooks import secrets, signing
from webhooks.models import Source

MOST = 5  # that hold at once
OVERLAP = timedelta(hours=24)  # how long an old one holds, unless told otherwise
SHORTEST = 16  # characters of a secret that somebody brings along
KEY_BYTES = range(24, 65)  # of Standard Webhooks
Kinds = Source.Verification


def secrets_of(source: Source, *, now: datetime) -> list[str]:
    """Those that hold, the newest first."""
    return [secrets.decrypt(each["secret"]) for each in holding(source, now)]


def holding(source: Source, now: datetime) -> list[dict[str, Any]]:
    return [each for each in source.secrets if _holds(each, now)]


def first_ring(verification: str, secret: str) -> list[dict[str, Any]]:
    """The secrets of a new source."""
    return [_entry(secret)] if verification != Kinds.NONE else []


def turned(
    source: Source, secret: str, *, now: datetime, overlap: timedelta
) -> list[dict[str, Any]]:
    """The ring with a new secret in front. Those before it hold for `overlap` more."""
    end = now + overlap
    before = [
        {**each, "until": min(_end(each) or end, end).isoformat()}
        for each in holding(source, now)
    ]
    return [_entry(secret), *(each for each in before if _holds(each, now))][:MOST]


def new_secret(verification: str) -> str:
    if verification == Kinds.STANDARD_WEBHOOKS:
        return signing.new_secret()
    return random.token_urlsafe(32)


def check_secret(verification: str, secret: str) -> str:
    """A secret that somebody brings along; InvalidInput where it is none."""
    if verification == Kinds.NONE:
        raise InvalidInput("/secret", "Where nothing is verified there is no secret.")
    if len(secret) < SHORTEST:
        raise InvalidInput("/secret", f"Shorter than {SHORTEST} characters.", "short")
    if verification == Kinds.STANDARD_WEBHOOKS and not _is_key(secret):
        raise InvalidInput(
            "/secret", "Not whsec_ and 24 to 64 bytes in base64.", "not_a_key"
        )
    return secret


def _is_key(secret: str) -> bool:
    try:
        key = base64.b64decode(secret.removeprefix(signing.PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(key) in KEY_BYTES


def _entry(secret: str) -> dict[str, Any]:
    return {"secret": secrets.encrypt(secret), "until": None}


def _end(each: dict[str, Any]) -> datetime | None:
    return datetime.fromisoformat(each["until"]) if each["until"] else None


def _holds(each: dict[str, Any], now: datetime) -> bool:
    end = _end(each)
    return end is None or now < end
