"""Two participants who turn out to be one person: one row stays, with everything."""

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from referral_factory.errors import DomainError, InvalidInput
from referrals.models import (
    Campaign,
    Click,
    Consent,
    Event,
    FormerCode,
    Invitation,
    Participant,
    Referral,
    RefusedClaim,
)
from referrals.services.erasing import blank
from referrals.services.events import match_events_of_referrals
from referrals.services.living import refuse_erased
from referrals.services.locks import email_name
from referrals.services.merging_referrals import Pair, merge_referrals
from referrals.services.patience import all_or_none
from referrals.services.tombstones import bury
from referrals.signals import (
    participant_blocked,
    participant_merged,
    participant_updated,
)

# What makes two rows that hang on one person the same.
SAME_INVITATION = ("email_canonical",)
SAME_CLAIM = ("way", "value", "reason")
SAME_CONSENT = ("text",)


class TwoExternalIds(DomainError):
    code = "two_external_ids"


@transaction.atomic
def merge_participants(
    kept: Participant, other: Participant, *, by: str, wall: datetime
) -> Participant:
    """Make one person of two: `kept` stays, and `other` is left behind, erased.

    What the kept row lacks is taken over; referrals, events, codes and rewards move.
    Nobody has two credits, or is paid twice: of two referrals of one friend, the first
    stays, unless the other got further. Merging again changes nothing.
    """
    if other.pk == kept.pk:
        message = "A participant cannot be merged with themselves."
        raise InvalidInput("/participant", message, "same_participant")
    pair, referrals = all_or_none(partial(_lock, kept, other))
    refuse_erased(pair.kept)
    if pair.other.merged_into_id == pair.kept.pk:
        return pair.kept
    refuse_erased(pair.other)
    _refuse_two_people(pair)
    now = pair.kept.campaign.now(wall)
    was_blocked = pair.other.status == Participant.Status.BLOCKED
    credit = merge_referrals(pair, referrals, by=by, now=now)
    _move_rows(pair)
    _move_person(pair, wall)
    _announce(pair, was_blocked)
    if credit:
        match_events_of_referrals(credit.campaign, [credit], wall=wall)
    return pair.kept


def _lock(kept: Participant, other: Participant) -> tuple[Pair, list[Referral]]:
    """Both people, their campaign and their referrals; no row that leads to either
    is written meanwhile."""
    both = [kept.pk, other.pk]
    rows = Participant.objects.filter(pk__in=both).order_by("id")
    people = {row.pk: row for row in rows.select_for_update(nowait=True)}
    campaigns = Campaign.objects.select_for_update(no_key=True, nowait=True)
    campaign = campaigns.get(pk=kept.campaign_id)
    for person in people.values():
        person.campaign = campaign
    of_them = Q(advocate__in=both) | Q(friend__in=both)
    referrals = Referral.objects.filter(of_them).order_by("id")
    locked = list(referrals.select_for_update(no_key=True, nowait=True))
    for referral in locked:
        referral.campaign = campaign
    return Pair(people[kept.pk], people[other.pk]), locked


def _refuse_two_people(pair: Pair) -> None:
    one, two = pair.kept.external_id, pair.other.external_id
    if one and two and one != two:
        raise TwoExternalIds(
            f"Your backend knows two people: {one} and {two}.",
            participants=[pair.kept.public_id, pair.other.public_id],
        )


def _move_rows(pair: Pair) -> None:
    kept, other = pair.kept, pair.other
    Event.objects.filter(participant=other).update(participant=kept)
    Click.objects.filter(participant_id=other.pk).update(participant_id=kept.pk)
    FormerCode.objects.filter(participant=other).update(participant=kept)
    other.merged.update(merged_into=kept)
    RefusedClaim.objects.filter(advocate=other).update(advocate=kept)
    _move(RefusedClaim, "friend", SAME_CLAIM, pair)
    _move(Invitation, "advocate", SAME_INVITATION, pair)
    _move(Consent, "participant", SAME_CONSENT, pair)


def _move(model: Any, whose: str, same: tuple[str, ...], pair: Pair) -> None:
    """Give these rows to the kept person, but for those that they have already."""
    rows = model.objects.filter(**{whose: pair.other})
    twins = model.objects.filter(
        **{whose: pair.kept}, **{name: OuterRef(name) for name in same}
    )
    rows.filter(Exists(twins)).delete()
    rows.update(**{whose: pair.kept})


def _move_person(pair: Pair, wall: datetime) -> None:
    kept, other = pair.kept, pair.other
    changes, old_code = _taken_over(kept, other), other.code
    if other.email_canonical and "email" not in changes:
        bury(kept.campaign, [email_name(other.email_canonical)], wall=wall)
    blank(other, wall=wall, into=kept)  # two rows cannot have one name
    Participant.objects.filter(pk=kept.pk).update(**changes)
    for name, value in changes.items():
        setattr(kept, name, value)
    FormerCode.objects.create(
        code=old_code, participant=kept, works=True, retired_at=wall
    )


def _taken_over(kept: Participant, other: Participant) -> dict[str, Any]:
    """What the kept row lacks, and the other has."""
    changes: dict[str, Any] = {
        "external_id": kept.external_id or other.external_id,
        "name": kept.name or other.name,
        "attributes": {**other.attributes, **kept.attributes},
        "customer_since": min(
            filter(None, [kept.customer_since, other.customer_since]), default=None
        ),
    }
    if not kept.email:  # a mailbox goes with whether it is known to be theirs
        names = ("email", "email_canonical", "confirmed_at")
        changes |= {name: getattr(other, name) for name in names}
    if not kept.address:
        changes |= {"address": other.address, "user_agent": other.user_agent}
    return changes


def _announce(pair: Pair, was_blocked: bool) -> None:
    """Whoever is blocked stays so: being merged is no way round it."""
    participant_merged.send(sender=Participant, instances=[pair.other])
    if was_blocked and pair.kept.status == Participant.Status.ACTIVE:
        pair.kept.block()
        participant_blocked.send(sender=Participant, instances=[pair.kept])
    participant_updated.send(sender=Participant, instances=[pair.kept])
