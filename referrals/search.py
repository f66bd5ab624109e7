"""Finding people by what somebody types: by indexed columns only, never by a scan."""

from uuid import UUID

from django.db.models import QuerySet

from referral_factory.errors import DomainError
from referrals.mailboxes import canonical, clean
from referrals.models import Campaign, Participant

MOST = 200  # more than that is not finding


def people(term: str, among: QuerySet[Participant] | None = None) -> list[UUID]:
    """Ids of those whose mailbox or external id starts with it, or who have or had it
    as their code. MOST at most.

    Each way by itself: an index serves one of them, and none serves all at once.
    """
    among = Participant.objects.all() if among is None else among
    anywhere = among.filter(campaign__in=_every_campaign())
    ways = [
        among.filter(code=term.upper()),
        among.filter(former_codes__code=term.upper()),
        anywhere.filter(email_canonical__startswith=_mailbox(term)),
        anywhere.filter(external_id__startswith=term),
    ]
    first, *others = [way.order_by().values_list("pk")[:MOST] for way in ways]
    return [key for (key,) in first.union(*others)[:MOST]]


def _every_campaign() -> list[UUID]:
    """The unique indexes lead with the campaign, so every campaign is named."""
    return list(Campaign.objects.order_by().values_list("pk", flat=True))


def _mailbox(term: str) -> str:
    """A whole address in its canonical form, or the beginning of one as it is."""
    try:
        return canonical(clean(term))
    except DomainError:
        return term.lower()
