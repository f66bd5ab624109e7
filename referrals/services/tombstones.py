"""What is left of a person who was erased: a keyed hash of each name they had."""

import hashlib
import hmac
from collections.abc import Collection, Iterable
from datetime import datetime

from django.conf import settings

from referrals.models import Campaign, Tombstone


def erased_names(
    campaign: Campaign, names: Collection[str], *, since: datetime | None = None
) -> set[str]:
    """Those of the names (see locks.names_of) that an erased person had here.

    With `since`, only of people who were erased after that moment.
    """
    rows = Tombstone.objects.filter(campaign=campaign)
    if since is not None:
        rows = rows.filter(erased_at__gte=since)
        if not rows.exists():  # as nearly always: thousands of hashes are work
            return set()
    owner = {digest: name for name in names for digest in digests_of(name)}
    rows = rows.filter(digest__in=owner)
    return {owner[digest] for digest in rows.values_list("digest", flat=True)}


def bury(campaign: Campaign, names: Iterable[str], *, wall: datetime) -> None:
    """Remember that somebody of these names was here, and nothing else about them."""
    Tombstone.objects.bulk_create(
        [
            Tombstone(campaign=campaign, digest=digest_of(name), erased_at=wall)
            for name in sorted(names)
        ],
        update_conflicts=True,
        unique_fields=["campaign", "digest"],
        update_fields=["erased_at"],
    )


def digest_of(name: str, key: str | None = None) -> str:
    """HMAC-SHA256 under a key for this one purpose: SECRET_KEY signs other things."""
    purpose = hashlib.sha256(
        b"referrals.tombstones:" + (key or settings.SECRET_KEY).encode()
    )
    return hmac.new(purpose.digest(), name.encode(), hashlib.sha256).hexdigest()


def half_digest(name: str) -> int:
    """Half of a digest, as a number: to find a name among few, not to keep for ever."""
    return int(digest_of(name)[:16], 16) - 2**63


def digests_of(name: str) -> list[str]:
    """Under today's key and those before it: see SECRET_KEY_FALLBACKS."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [digest_of(name, key) for key in keys]
