"""Who is in a campaign."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from referral_factory.errors import DomainError
from referrals.attribution import Claim
from referrals.mailboxes import canonical, clean
from referrals.models import Campaign, Participant, Referral, RefusedClaim
from referrals.services.campaigns import refuse_unless_open
from referrals.services.events import match_events_of_person
from referrals.services.locks import email_name, external_id_name, lock_names
from referrals.services.referring import refer_friends
from referrals.signals import (
    participant_blocked,
    participant_created,
    participant_unblocked,
    participant_updated,
)


class IdentityConflict(DomainError):
    code = "identity_conflict"


@dataclass(frozen=True)
class Person:
    """Somebody as your backend describes them: what is left out stays as it is."""

    external_id: str | None = None
    email: str | None = None
    claims: tuple[Claim, ...] = ()  # who referred them
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def mailbox(self) -> str | None:
        return canonical(self.email) if self.email else None


@dataclass(frozen=True)
class Enrolment:
    participant: Participant
    created: bool
    referral: Referral | None
    referral_created: bool
    refused: tuple[RefusedClaim, ...]
    judged: int  # events that had come before them


def person(
    *,
    external_id: str | None = None,
    email: str | None = None,
    claims: tuple[Claim, ...] = (),
    pointer: str = "",
    **details: Any,
) -> Person:
    """A Person whose address is in normal form; InvalidInput where it is not one.

    `pointer` says where in the caller's body they were described.
    """
    email = clean(email, f"{pointer}/email") if email else None
    return Person(external_id or None, email, claims, details)


@transaction.atomic
def enrol_participant(campaign: Campaign, who: Person, *, wall: datetime) -> Enrolment:
    """Enrol somebody, or bring what we know of them up to date: the same call.

    With claims, the referral is made in the same transaction, or what refused them
    is kept: see referring.py. Events that came
    before their person are judged now.
    """
    now = campaign.now(wall)
    participant, created = _find_or_create(campaign, who, now)
    if not created:
        change_participant(participant, _given(who), wall=wall)
    (found,) = refer_friends(
        campaign, [(participant, who.claims)], wall=wall, new=created
    )
    judged = match_events_of_person(participant, wall=wall) if created else 0
    return Enrolment(
        participant, created, found.referral, found.created, found.refused, judged
    )


@transaction.atomic
def change_participant(
    participant: Participant, changes: dict[str, Any], *, wall: datetime
) -> None:
    """Write the fields that really change, and announce it if any does.

    A new name of theirs may be one that events came under before: they are judged now.
    """
    if "email" in changes:
        email = changes["email"]
        changes = {**changes, "email_canonical": canonical(email) if email else None}
    real = {k: v for k, v in changes.items() if getattr(participant, k) != v}
    if not real:
        return
    names = _names(real.get("external_id"), real.get("email_canonical"))
    lock_names(participant.campaign, names)
    try:
        with transaction.atomic():
            Participant.objects.filter(pk=participant.pk).update(**real)
    except IntegrityError as error:
        raise _conflict(participant, real) from error
    for name, value in real.items():
        setattr(participant, name, value)
    participant_updated.send(sender=Participant, instances=[participant])
    if names:
        match_events_of_person(participant, wall=wall)


@transaction.atomic
def block_participant(participant: Participant) -> Participant:
    participant.block()
    participant_blocked.send(sender=Participant, instances=[participant])
    return participant


@transaction.atomic
def unblock_participant(participant: Participant) -> Participant:
    participant.unblock()
    participant_unblocked.send(sender=Participant, instances=[participant])
    return participant


def _find_or_create(
    campaign: Campaign, who: Person, now: datetime
) -> tuple[Participant, bool]:
    known = _find(campaign, who)
    if known:
        return known, False
    refuse_unless_open(campaign)
    # An event of the same unknown person waits for us, or we for it.
    lock_names(campaign, _names(who.external_id, who.mailbox))
    fresh = Participant(
        campaign=campaign,
        external_id=who.external_id,
        email=who.email,
        email_canonical=who.mailbox,
        created_at=now,
        **who.details,
    )
    Participant.objects.bulk_create([fresh], ignore_conflicts=True)
    stored = _find(campaign, who) or fresh
    if stored.pk == fresh.pk:
        participant_created.send(sender=Participant, instances=[stored])
    return stored, stored.pk == fresh.pk


def _find(campaign: Campaign, who: Person) -> Participant | None:
    """The one participant that answers to these names; IdentityConflict if two do."""
    named = Q()
    if who.external_id:
        named |= Q(external_id=who.external_id)
    if who.mailbox:
        named |= Q(email_canonical=who.mailbox)
    found = list(Participant.objects.filter(named, campaign=campaign).order_by("id"))
    if len(found) > 1:
        raise _two_people(found)
    if (
        found
        and found[0].external_id
        and who.external_id not in {None, found[0].external_id}
    ):
        raise IdentityConflict(
            f"The mailbox of {who.email} belongs to {found[0].public_id}, "
            f"whose external id is {found[0].external_id}.",
            participants=[found[0].public_id],
        )
    for participant in found:
        participant.campaign = campaign
    return found[0] if found else None


def _given(who: Person) -> dict[str, Any]:
    names = {"external_id": who.external_id, "email": who.email}
    return {**who.details, **{k: v for k, v in names.items() if v}}


def _names(external_id: str | None, mailbox: str | None) -> list[str]:
    return [
        *([external_id_name(external_id)] if external_id else []),
        *([email_name(mailbox)] if mailbox else []),
    ]


def _conflict(participant: Participant, changes: dict[str, Any]) -> IdentityConflict:
    others = Participant.objects.filter(campaign=participant.campaign_id).filter(
        Q(external_id__in=_values(changes, "external_id"))
        | Q(email_canonical__in=_values(changes, "email_canonical"))
    )
    return _two_people([participant, *others.exclude(pk=participant.pk)])


def _values(changes: dict[str, Any], name: str) -> list[Any]:
    return [changes[name]] if changes.get(name) else []


def _two_people(people: list[Participant]) -> IdentityConflict:
    ids = [person.public_id for person in people]
    return IdentityConflict(
        f"The names given belong to two people: {' and '.join(ids)}.", participants=ids
    )
