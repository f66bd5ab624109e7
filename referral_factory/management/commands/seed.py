"""What a fresh installation starts with, so that its first page is not empty."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand

from referral_factory.access.models import ApiKey
from referral_factory.access.services import ALL_SCOPES, create_key, find_key
from referral_factory.embedded import STATE_DIR, own_folder
from referral_factory.example import play_example
from referrals.models import Campaign

CHANGED = "(as you changed it)"
USERNAME = "admin"


class Command(BaseCommand):
    help = (
        "Makes what a first look needs: a login, an API key of each mode, and a small "
        "example campaign. What is there already stays as it is."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        path = STATE_DIR / "run.json"
        known = read(path)
        keys = known.get("keys", {})
        write(
            path,
            {
                "url": settings.PUBLIC_URL,
                "admin": {
                    "username": USERNAME,
                    "password": login(known.get("admin", {}).get("password")),
                },
                "keys": {mode: key(mode, keys.get(mode)) for mode in ("live", "test")},
            },
        )
        # It needs an endpoint that is nobody's, and that takes a loopback address.
        if settings.WEBHOOKS_ALLOW_LOOPBACK and not Campaign.objects.exists():
            play_example()


def login(known: str | None) -> str:
    """The password of the first login. One that somebody chose is left alone."""
    admin = User.objects.filter(username=USERNAME).first()
    if admin and known:
        return known if admin.check_password(known) else CHANGED
    password = secrets.token_urlsafe(12)
    if admin is None:
        User.objects.create_superuser(USERNAME, password=password)
    else:  # the file that said it is lost
        admin.set_password(password)
        admin.save(update_fields=["password"])
    return password


def key(mode: str, known: str | None) -> str:
    """The text of a key that works: the one we know, or a new one."""
    found = find_key(known) if known else None
    if known and found and usable(found):
        return known
    return create_key(name="First key", mode=mode, scopes=ALL_SCOPES)[1]


def usable(found: ApiKey) -> bool:
    return found.revoked_at is None


def read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    known: dict[str, Any] = json.loads(path.read_text())
    return known


def write(path: Path, content: dict[str, Any]) -> None:
    """Replace the file at once; it holds secrets, so nobody else may read it."""
    own_folder(path.parent)
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    draft.replace(path)
