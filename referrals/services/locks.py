"""Locks on what is in no row yet, or in too many to lock them all."""

from collections.abc import Iterable

from django.db import connection

from referral_factory.errors import DomainError
from referral_factory.ids import to_public
from referrals.models import Campaign, Participant


class ParticipantErased(DomainError):
    code = "participant_erased"


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


def lock_living(participant: Participant) -> Participant:
    """Somebody as they are now, who may be renamed, merged or erased meanwhile by
    nobody else; ParticipantErased when they were.

    Not even a row that leads to theirs is written: all of those are there, or wait.
    """
    rows = Participant.objects.select_related("campaign")
    locked = rows.select_for_update(of=("self",)).get(pk=participant.pk)
    refuse_erased(locked)
    return locked


def refuse_erased(participant: Participant) -> None:
    if participant.merged_into_id is not None:
        kept = to_public(Participant.PREFIX, participant.merged_into_id)
        raise ParticipantErased(f"They were merged into {kept}.", merged_into=kept)
    if participant.status == Participant.Status.ERASED:
        raise ParticipantErased("They were erased.")
