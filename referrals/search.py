"""Finding people by what somebody types: by indexed columns only, never by a scan."""

from django.db.models import Q, QuerySet

from referral_factory.errors import DomainError
from referrals.mailboxes import canonical, clean
from referrals.models import Campaign, Participant


def people(term: str) -> QuerySet[Participant]:
    """Participants whose mailbox or external id starts with it, or whose code it is.

    The unique indexes lead with the campaign, so every campaign is named.
    """
    return Participant.objects.filter(
        Q(code=term.upper())
        | Q(campaign__in=_every_campaign(), email_canonical__startswith=_mailbox(term))
        | Q(campaign__in=_every_campaign(), external_id__startswith=term)
    )


def _every_campaign() -> list[object]:
    return list(Campaign.objects.values_list("pk", flat=True))


def _mailbox(term: str) -> str:
    """A whole address in its canonical form, or the beginning of one as it is."""
    try:
        return canonical(clean(term))
    except DomainError:
        return term.lower()
