"""Which campaign a caller means. For doors, which must not import each other."""

import time
from uuid import UUID

from referral_factory.access.models import ApiKey
from referral_factory.access.parameters import InvalidParameter
from referral_factory.access.viewsets import visible_to
from referral_factory.errors import InvalidInput
from referral_factory.ids import InvalidId, from_public
from referrals.models import Campaign, Participant
from referrals.services.events import lookup_of

# Campaigns that were found a moment ago, each with when to look again: backends call
# many times a second. So a campaign that is paused is closed everywhere within this
# time. Not those of test mode, whose clocks may be moved from one call to the next.
REMEMBERED_FOR = 1.0  # seconds
MOST_REMEMBERED = 1000
_remembered: dict[UUID, tuple[Campaign, float]] = {}


def visible_campaign(key: ApiKey, pk: UUID) -> Campaign:
    """The campaign that a body names; a 422 where the key knows no such campaign.

    What it says may be as old as REMEMBERED_FOR.
    """
    found = _campaign(pk)
    if (
        found is None
        or found.mode != key.mode
        or (key.campaign_ids and pk not in key.campaign_ids)
    ):
        raise InvalidInput("/campaign", "There is no such campaign.", "unknown")
    return found


def campaign_of_query(key: ApiKey, text: str) -> Campaign:
    """The campaign that `?campaign=` names; a 400 where the key knows no such one."""
    try:
        return visible_campaign(key, from_public(Campaign.PREFIX, text))
    except (InvalidId, InvalidInput) as error:
        raise InvalidParameter("campaign", str(error)) from error


def forget_campaigns() -> None:
    """Look every campaign up again."""
    _remembered.clear()


def _campaign(pk: UUID) -> Campaign | None:
    clock = time.monotonic()
    known = _remembered.get(pk)
    if known and clock < known[1]:
        return known[0]
    found = Campaign.objects.filter(pk=pk).first()
    if found and found.mode == Campaign.Mode.LIVE:
        if len(_remembered) >= MOST_REMEMBERED:
            forget_campaigns()
        _remembered[pk] = (found, clock + REMEMBERED_FOR)
    return found


def only_campaign_of(key: ApiKey, named: dict[str, str]) -> Campaign:
    """The campaign of somebody who is in one only; a 422 that asks for it otherwise."""
    people = Participant.objects.filter(**lookup_of(named)).select_related("campaign")
    found = list(visible_to(key, people, path="campaign")[:2])
    if len(found) != 1:
        reason = "is in no campaign" if not found else "is in several campaigns"
        raise InvalidInput(
            "/campaign", f"The person {reason}: say which one is meant.", "required"
        )
    return found[0].campaign
