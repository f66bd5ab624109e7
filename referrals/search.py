"""Finding people by what somebody types: by indexed columns only, never by a scan."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from referral_factory.errors import DomainError
from referrals.mailboxes import canonical, clean
from referrals.models import Campaign, FormerCode, Participant

MOST = 1000  # more than that is not finding


def people(term: str) -> list[UUID]:
    """Ids of those whose mailbox or external id starts with it, or who have or had it
    as their code. MOST at most."""
    anywhere = Participant.objects.filter(campaign__in=_every_campaign())
    ways = [
        Participant.objects.filter(code=term.upper()).values_list("pk"),
        FormerCode.objects.filter(code=term.upper()).values_list("participant"),
        anywhere.filter(email_canonical__startswith=_mailbox(term)).values_list("pk"),
        anywhere.filter(external_id__startswith=term).values_list("pk"),
    ]
    first, *others = [_first(way) for way in ways]
    return [key for (key,) in first.union(*others)[:MOST]]


def _first(way: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    """Each by itself: an index serves one way, and none serves all of them at once."""
    return way.order_by()[:MOST]


def _every_campaign() -> list[UUID]:
    """The unique indexes lead with the campaign, so every campaign is named."""
    return list(Campaign.objects.order_by().values_list("pk", flat=True))


def _mailbox(term: str) -> str:
    """A whole address in its canonical form, or the beginning of one as it is."""
    try:
        return canonical(clean(term))
    except DomainError:
        return term.lower()
