"""Locks on what is in no row yet, or in too many to lock them all."""

from collections.abc import Iterable

from django.db import connection

from referrals.models import Campaign, Participant


def external_id_name(external_id: str) -> str:
    return f"external_id:{external_id}"


def email_name(mailbox: str) -> str:
    return f"email:{mailbox}"


def names_of(participant: Participant) -> list[str]:
    """The names that an event may have called this person by: see Event.person."""
    names = []
    if participant.external_id:
        names.append(external_id_name(participant.external_id))
    if participant.email_canonical:
        names.append(email_name(participant.email_canonical))
    return names


def lock_names(campaign: Campaign, names: Iterable[str]) -> None:
    """Hold names that belong to nobody yet until the transaction ends.

    An enrolment and an event of the same unknown person wait for each other here:
    whichever is second sees the first.
    """
    keys = [f"{campaign.pk}/{name}" for name in sorted(names)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(key, 0))"
            " FROM unnest(%s::text[]) AS key",
            [keys],
        )


def lock_campaign(campaign: Campaign) -> None:
    """One at a time may change who referred whom among people already enrolled."""
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)


def lock_participant(participant: Participant) -> None:
    """A referral and an event of the same person wait for each other here."""
    Participant.objects.select_for_update(no_key=True).get(pk=participant.pk)
