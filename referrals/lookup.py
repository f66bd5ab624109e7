"""Which campaign a caller means. For doors, which must not import each other."""

from uuid import UUID

from referral_factory.access.models import ApiKey
from referral_factory.access.viewsets import visible_to
from referral_factory.errors import InvalidInput
from referrals.models import Campaign, Participant
from referrals.services.events import lookup_of


def visible_campaign(key: ApiKey, pk: UUID) -> Campaign:
    """The campaign that a body names; a 422 where the key knows no such campaign."""
    found = visible_to(key, Campaign.objects.all(), path="").filter(pk=pk).first()
    if found is None:
        raise InvalidInput("/campaign", "There is no such campaign.", "unknown")
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
