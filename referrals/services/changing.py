"""Bringing what we know of one person up to date."""

from datetime import datetime
from typing import Any

from django.db import transaction

from referral_factory.errors import InvalidInput
from referral_factory.wire import LARGEST_OBJECT, as_json
from referrals.mailboxes import canonical
from referrals.models import Participant
from referrals.services.living import lock_living
from referrals.services.locks import lock_names, names_as
from referrals.services.participants import change_participant


@transaction.atomic
def patch_participant(
    participant: Participant, patch: dict[str, Any], *, wall: datetime
) -> Participant:
    """Change what the patch names; None takes a value away, and the rest stays.

    `attributes` are patched key by key, at any depth (RFC 7396). The patch is applied
    to the person as they are when nobody else can change them: two patches of two
    keys both count.
    """
    changes = dict(patch)
    # Names before rows, as whoever enrols somebody does.
    external_id, mailbox = changes.get("external_id"), _mailbox(changes.get("email"))
    lock_names(participant.campaign, names_as(external_id, mailbox))
    locked = lock_living(participant)
    if "attributes" in changes:
        patched = merge_patch(locked.attributes, changes["attributes"])
        changes["attributes"] = _fitting(patched or {})
    _refuse_nameless(locked, changes)
    if "email" in changes and mailbox != locked.email_canonical:
        changes["confirmed_at"] = None  # they answered from another mailbox
    change_participant(locked, changes, wall=wall)
    return locked


def merge_patch(target: Any, patch: Any) -> Any:
    """JSON Merge Patch, as RFC 7396 writes it down."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def _mailbox(email: str | None) -> str | None:
    return canonical(email) if email else None


def _fitting(attributes: dict[str, Any]) -> dict[str, Any]:
    size = len(as_json(attributes))
    if size > LARGEST_OBJECT:
        raise InvalidInput(
            "/attributes",
            f"With this, they would be {size} bytes: at most {LARGEST_OBJECT} fit.",
            "too_large",
        )
    return attributes


def _refuse_nameless(participant: Participant, changes: dict[str, Any]) -> None:
    """Somebody needs an external id or a mailbox to be told apart by."""
    left = [
        changes.get(name, getattr(participant, name))
        for name in ("external_id", "email")
    ]
    if not any(left):
        cleared = next(name for name in ("email", "external_id") if name in changes)
        raise InvalidInput(
            f"/{cleared}",
            "They would have neither an external_id nor an email.",
            "required",
        )
