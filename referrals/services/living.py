"""People who can still change: an erased one cannot, nor one who was merged away."""

from collections.abc import Collection

from django.db import connection

from referral_factory.errors import DomainError
from referral_factory.ids import to_public
from referrals.models import Participant


class ParticipantErased(DomainError):
    code = "participant_erased"


def lock_living(participant: Participant) -> Participant:
    """Somebody as they are now, whom nobody else can change, merge or erase until the
    transaction ends; ParticipantErased when they are gone.

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


# As weak as what a row that leads to theirs takes anyhow: nobody waits but for those
# who merge or erase them, who hold them whole.
HOLD = """
    SELECT id, status, merged_into_id FROM referrals_participant
    WHERE id = ANY (%s) ORDER BY id FOR KEY SHARE
"""


def hold(people: Collection[Participant]) -> bool:
    """Let nobody merge or erase them until the transaction ends, and see their states
    as they are; False where somebody was merged into another since they were read."""
    keys = list({person.pk for person in people})
    if not keys:
        return True
    with connection.cursor() as cursor:
        cursor.execute(HOLD, [keys])
        found = {key: (status, into) for key, status, into in cursor.fetchall()}
    for person in people:
        person.status, person.merged_into_id = found[person.pk]
    return not any(into for _status, into in found.values())
