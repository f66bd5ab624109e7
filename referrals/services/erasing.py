"""Erasing a person: their data goes, wherever it is, and the books stay.

Rows are kept, so that no number moves: who referred whom, what was reported and what
was earned. What could tell who they were is blanked in all of them, in one
transaction; other apps do the same with theirs when they hear `participant_erased`.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from referral_factory import admin_log
from referral_factory.access.forgetting import forget_answers, forget_visits
from referral_factory.access.idempotency import KEPT_FOR
from referral_factory.ids import to_public
from referral_factory.partitions import floor
from referrals.erasure import Erasure
from referrals.models import Campaign, Event, FormerCode, Participant, Referral
from referrals.models.participant import new_code
from referrals.services import traces
from referrals.services.codes import erased_forms
from referrals.services.locks import names_of
from referrals.services.tombstones import bury, digest_of, erased_names
from referrals.signals import participant_erased

__all__ = ["blank", "digest_of", "erase_participant", "erased_names"]


@transaction.atomic
def erase_participant(participant: Participant, *, wall: datetime) -> Participant:
    """Erase somebody, for ever. Doing it again changes nothing.

    A keyed hash of their names is kept: the same mailbox earns no first-time reward
    twice. Their codes stop working, and are nobody else's ever after.
    """
    rows = Participant.objects.select_related("campaign")
    # Not even a row that leads to theirs is written: all of those are there, or wait.
    locked = rows.select_for_update(of=("self",)).get(pk=participant.pk)
    if locked.status == Participant.Status.ERASED:
        return locked
    erasure = _survey(locked)
    bury(locked.campaign, names_of(locked), wall=wall)
    _retire_codes(locked, wall=wall)
    blank(locked, wall=wall)
    traces.clear(erasure)
    admin_log.redact([*erasure.people, *erasure.events, *erasure.referrals], erasure)
    forget_answers(_mentions(erasure, wall))
    forget_visits(erasure.addresses)
    participant_erased.send(sender=Participant, instances=[locked], erasures=[erasure])
    return locked


def _mentions(erasure: Erasure, wall: datetime) -> list[str]:
    """What stored answers about them have in them.

    An answer about a stranger's event names only the event. Keys may be made of
    anything.
    """
    kept = [pk for pk in erasure.events if pk >= floor(wall - KEPT_FOR)]
    return [
        *(to_public(Participant.PREFIX, pk) for pk in erasure.people),
        *(to_public(Event.PREFIX, pk) for pk in kept),
        *erasure.mailboxes,
    ]


def blank(
    participant: Participant, *, wall: datetime, into: Participant | None = None
) -> None:
    """Leave nothing of the person in their row; `into` is whom it was merged into."""
    participant.move_to(
        Participant.Status.ERASED,
        erased_at=wall,
        merged_into=into,
        code=new_code(),
        external_id=None,
        email=None,
        email_canonical=None,
        name="",
        attributes={},
        address=None,
        user_agent="",
        customer_since=None,
        confirmed_at=None,
    )


def _survey(locked: Participant) -> Erasure:
    """All that is about them, and every word that could name them."""
    people = [locked.pk, *locked.merged.values_list("pk", flat=True)]
    referrals = _lock_referrals(locked.campaign, people)
    as_friend = [row for row in referrals if row.friend_id in people]
    former = FormerCode.objects.filter(participant__in=people)
    return Erasure(
        participant=locked,
        people=tuple(people),
        referrals=tuple(row.pk for row in referrals),
        friends=tuple(
            row.friend_id for row in referrals if row.friend_id not in people
        ),
        events=tuple(
            Event.objects.filter(participant__in=people).values_list("pk", flat=True)
        ),
        mailboxes=frozenset(filter(None, [locked.email, locked.email_canonical])),
        external_id=locked.external_id or "",
        codes=frozenset([locked.code, *former.values_list("code", flat=True)]),
        name=locked.name,
        addresses=frozenset(
            filter(None, [locked.address, *(row.click_address for row in as_friend)])
        ),
    )


def _lock_referrals(campaign: Campaign, people: list[UUID]) -> list[Referral]:
    """Of either side, in the order of their ids, as every sweep locks them."""
    of_them = Q(advocate__in=people) | Q(friend__in=people)
    rows = Referral.objects.filter(of_them, campaign=campaign)
    columns = rows.only("pk", "friend_id", "click_address")
    return list(columns.select_for_update(no_key=True).order_by("id"))


def _retire_codes(locked: Participant, *, wall: datetime) -> None:
    """No code of theirs works or can be read any more; none becomes anybody else's."""
    people = [locked, *locked.merged.all()]
    former = FormerCode.objects.filter(participant__in=people)
    codes = [locked.code, *former.values_list("code", flat=True)]
    former.delete()
    FormerCode.objects.bulk_create(
        FormerCode(
            code=erased_forms(code)[0], participant=locked, works=False, retired_at=wall
        )
        for code in codes
    )
