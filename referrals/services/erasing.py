"""Erasing a person: their data goes, wherever it is, and the books stay.

Rows are kept, so that no number moves: who referred whom, what was reported and what
was earned. What could tell who they were is blanked in all of them, in one
transaction; other apps do the same with theirs when they hear `participant_erased`.
"""

from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Q

from referral_factory import admin_log
from referral_factory.access.forgetting import forget_answers, forget_visits
from referral_factory.access.idempotency import KEPT_FOR
from referral_factory.ids import to_public
from referral_factory.partitions import floor
from referrals.erasure import Erasure
from referrals.models import Event, FormerCode, Participant, Referral
from referrals.models.participant import new_code
from referrals.services import traces
from referrals.services.codes import erased_forms
from referrals.services.locks import lock_names, names_of
from referrals.services.patience import all_or_none
from referrals.services.tombstones import bury
from referrals.signals import participant_erased


@transaction.atomic
def erase_participant(participant: Participant, *, wall: datetime) -> Participant:
    """Erase somebody, for ever. Doing it again changes nothing.

    A keyed hash of their names is kept: the same mailbox earns no first-time reward
    twice. Their codes stop working, and are nobody else's ever after.
    """
    locked, referrals = _lock_person(participant)
    if locked.status == Participant.Status.ERASED:
        return locked
    erasure = _survey(locked, referrals)
    bury(locked.campaign, names_of(locked), wall=wall)
    _retire_codes(locked, wall=wall)
    blank(locked, wall=wall)
    traces.clear(erasure)
    admin_log.redact([*erasure.people, *erasure.events, *erasure.referrals], erasure)
    forget_answers(_mentions(erasure, wall))
    forget_visits(erasure.addresses)
    participant_erased.send(sender=Participant, instances=[locked], erasures=[erasure])
    return locked


def _lock_person(participant: Participant) -> tuple[Participant, list[Referral]]:
    """Their names, then their row and their referrals: whoever enrols or imports
    somebody of one of these names is through, or sees the tombstone."""
    people = Participant.objects.select_related("campaign")
    while True:
        with transaction.atomic():
            named = people.get(pk=participant.pk)
            lock_names(named.campaign, names_of(named))
            locked, referrals = all_or_none(partial(_lock_rows, participant))
            if names_of(locked) == names_of(named):
                return locked, referrals
            # Renamed meanwhile: their rows are given back, since names come first.
            transaction.set_rollback(True)


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


def _lock_rows(participant: Participant) -> tuple[Participant, list[Referral]]:
    """Them and their referrals; no row that leads to theirs is written meanwhile."""
    rows = Participant.objects.select_for_update(of=("self",), nowait=True)
    locked = rows.select_related("campaign").get(pk=participant.pk)
    people = [locked.pk, *locked.merged.values_list("pk", flat=True)]
    referrals = (
        Referral.objects.filter(Q(advocate__in=people) | Q(friend__in=people))
        .only("advocate_id", "friend_id", "click_address")
        .select_for_update(no_key=True, nowait=True)
        .order_by("id")
    )
    return locked, list(referrals)


def _survey(locked: Participant, referrals: list[Referral]) -> Erasure:
    """All that is about them, and every word that could name them."""
    people = [locked.pk, *locked.merged.values_list("pk", flat=True)]
    as_friend = [row for row in referrals if row.friend_id in people]
    events = Event.objects.filter(participant__in=people)
    former = FormerCode.objects.filter(participant__in=people)
    addresses = [locked.address, *(row.click_address for row in as_friend)]
    return Erasure(
        participant=locked,
        people=tuple(people),
        referrals=tuple(row.pk for row in referrals),
        friends=tuple({row.friend_id for row in referrals}.difference(people)),
        events=tuple(events.values_list("pk", flat=True)),
        mailboxes=frozenset(filter(None, [locked.email, locked.email_canonical])),
        external_id=locked.external_id or "",
        codes=frozenset([locked.code, *former.values_list("code", flat=True)]),
        name=locked.name,
        addresses=frozenset(filter(None, addresses)),
    )


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
