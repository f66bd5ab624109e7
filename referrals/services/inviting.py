"""Mailboxes that an advocate names beforehand, as those of friends to come."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from referral_factory.errors import InvalidInput
from referrals.mailboxes import canonical, clean
from referrals.models import Invitation, Participant
from referrals.refusals import ParticipantBlocked
from referrals.services.campaigns import refuse_unless_open

MAX_AT_ONCE = 1000


@dataclass(frozen=True)
class Invited:
    """What became of one address; there is no invitation where it is none."""

    email: str  # as it was given
    invitation: Invitation | None = None
    created: bool = False
    detail: str = ""

    @property
    def outcome(self) -> str:
        if self.invitation is None:
            return "invalid"
        return "invited" if self.created else "invited_before"


@transaction.atomic
def invite_friends(
    advocate: Participant, emails: Sequence[str], *, wall: datetime
) -> list[Invited]:
    """Keep each address, once per mailbox; what is no address is told in its place.

    Nobody learns who is enrolled: the address of somebody who is is kept like any
    other, and counts for nothing, since invitations are claims on newcomers only.
    """
    campaign = advocate.campaign
    refuse_unless_open(campaign)
    if advocate.status != Participant.Status.ACTIVE:
        raise ParticipantBlocked(f"{advocate.public_id} is {advocate.status}.")
    now = campaign.now(wall)
    fresh: dict[str, Invitation] = {}
    answers = []
    for email in emails:
        try:
            found = _invitation(advocate, clean(email), now)
        except InvalidInput as error:
            answers.append(Invited(email, detail=str(error)))
            continue
        known = fresh.setdefault(found.email_canonical, found)
        answers.append(Invited(email, known, created=known is found))
    return _with_stored(answers, _keep(advocate, fresh))


def _invitation(advocate: Participant, address: str, now: datetime) -> Invitation:
    return Invitation(
        campaign=advocate.campaign,
        advocate=advocate,
        email=address,
        email_canonical=canonical(address),
        created_at=now,
    )


def _keep(advocate: Participant, fresh: dict[str, Invitation]) -> dict[str, Invitation]:
    """By mailbox, as they are stored."""
    # In one order, so that two calls with the same mailboxes don't wait in a ring.
    rows = [fresh[mailbox] for mailbox in sorted(fresh)]
    Invitation.objects.bulk_create(rows, ignore_conflicts=True)
    stored = Invitation.objects.filter(advocate=advocate, email_canonical__in=fresh)
    return {row.email_canonical: row for row in stored}


def _with_stored(
    answers: Iterable[Invited], stored: dict[str, Invitation]
) -> list[Invited]:
    found = []
    for answer in answers:
        ours = answer.invitation
        if ours is None:
            found.append(answer)
            continue
        kept = stored[ours.email_canonical]
        created = answer.created and kept.pk == ours.pk
        found.append(Invited(answer.email, kept, created))
    return found
