"""Who is who, when people are enrolled: what each row would do. Nothing is written.

A person is known by an external id, by a mailbox, or by both. Rows are taken in their
order, and each sees what those before it do: two rows of one person are one person.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models.base import ModelState

from referral_factory.errors import DomainError
from referral_factory.ids import new_id
from referrals.attribution import Claim
from referrals.mailboxes import canonical, clean
from referrals.models import Campaign, Participant
from referrals.models.participant import new_code
from referrals.services.locks import email_name, external_id_name, names_as, names_of


class IdentityConflict(DomainError):
    code = "identity_conflict"


@dataclass(slots=True)
class Person:
    """Somebody as your backend describes them: what is left out stays as it is."""

    external_id: str | None = None
    email: str | None = None
    claims: tuple[Claim, ...] = ()  # who referred them
    details: dict[str, Any] = field(default_factory=dict)
    mailbox: str | None = field(init=False)
    names: list[str] = field(init=False)  # as locks and events say them

    def __post_init__(self) -> None:
        self.mailbox = canonical(self.email) if self.email else None
        self.names = names_as(self.external_id, self.mailbox)

    def columns(self) -> dict[str, Any]:
        """What is given, as columns of a participant."""
        given = dict(self.details)
        if self.external_id:
            given["external_id"] = self.external_id
        if self.email:
            given["email"] = self.email
            given["email_canonical"] = self.mailbox
        return given


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


@dataclass(slots=True)
class Step:
    """What one row does: it enrols its person, changes them, or changes nothing."""

    participant: Participant
    created: bool
    changed: bool


@dataclass
class Plan:
    """What all rows do together. `steps` holds, for each row, a Step or a refusal."""

    campaign: Campaign
    now: datetime
    source: str
    closed: DomainError | None  # why nobody new may join, if so
    steps: list[Step | DomainError] = field(default_factory=list)
    newcomers: dict[UUID, Participant] = field(default_factory=dict)
    changes: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    _named: dict[str, Participant] = field(default_factory=dict)

    def know(self, people: Iterable[Participant]) -> None:
        for participant in people:
            for name in names_of(participant):
                self._named[name] = participant

    def take(self, who: Person, fault: DomainError | None = None) -> None:
        """Decide about the next row, unless something is wrong with it already."""
        try:
            if fault:
                raise fault
            self.steps.append(self._step(who))
        except DomainError as refusal:
            self.steps.append(refusal)

    def _step(self, who: Person) -> Step:
        participant = self._find(who)
        if participant is None:
            return Step(self._create(who), created=True, changed=False)
        changed = self._change(participant, who)
        return Step(participant, created=False, changed=changed)

    def _find(self, who: Person) -> Participant | None:
        """The one participant that answers to these names; IdentityConflict if two."""
        found = {
            self._named[name].pk: self._named[name]
            for name in who.names
            if name in self._named
        }
        if len(found) > 1:
            raise two_people([found[pk] for pk in sorted(found)])
        participant = next(iter(found.values()), None)
        if participant and who.external_id:
            known_as = self._value(participant, "external_id")
            if known_as not in {None, who.external_id}:
                raise _other_external_id(who, participant, known_as)
        return participant

    def _create(self, who: Person) -> Participant:
        if self.closed:
            raise self.closed
        newcomer = self._blank(**who.columns())
        self.newcomers[newcomer.pk] = newcomer
        for name in who.names:
            self._named[name] = newcomer
        return newcomer

    def _blank(self, **columns: Any) -> Participant:
        """A participant as its class makes one, in a fraction of the time."""
        newcomer, state = Participant.__new__(Participant), ModelState()
        state.fields_cache = {"campaign": self.campaign}
        newcomer.__dict__ = {
            **self._alike,
            "_state": state,
            "id": new_id(),
            "code": new_code(),
            "attributes": {},
            **columns,
        }
        return newcomer

    @cached_property
    def _alike(self) -> dict[str, Any]:
        """What all newcomers have in common."""
        return {
            **vars(Participant()),
            "campaign_id": self.campaign.pk,
            "source": self.source,
            "created_at": self.now,
        }

    def _change(self, participant: Participant, who: Person) -> bool:
        """Note what the row really changes; whether that is anything."""
        real = {
            name: value
            for name, value in who.columns().items()
            if self._value(participant, name) != value
        }
        if not real:
            return False
        if "email_canonical" in real:  # they answered from another mailbox
            self._rename(participant, email_name, "email_canonical", real)
            real.setdefault("confirmed_at", None)
        if "external_id" in real:
            self._rename(participant, external_id_name, "external_id", real)
        if participant.pk in self.newcomers:
            for name, value in real.items():
                setattr(participant, name, value)
        else:
            self.changes.setdefault(participant.pk, {}).update(real)
        return True

    def _rename(
        self, participant: Participant, name_of: Any, column: str, real: dict[str, Any]
    ) -> None:
        if old := self._value(participant, column):
            del self._named[name_of(old)]
        self._named[name_of(real[column])] = participant

    def _value(self, participant: Participant, column: str) -> Any:
        changes = self.changes.get(participant.pk)
        if changes and column in changes:
            return changes[column]
        return getattr(participant, column)


def two_people(people: Sequence[Participant]) -> IdentityConflict:
    ids = [participant.public_id for participant in people]
    return IdentityConflict(
        f"The names given belong to two people: {' and '.join(ids)}. "
        "Merge them if they are one.",
        participants=ids,
    )


def _other_external_id(
    who: Person, participant: Participant, known_as: Any
) -> IdentityConflict:
    return IdentityConflict(
        f"The mailbox of {who.email} belongs to {participant.public_id}, "
        f"whose external id is {known_as}.",
        participants=[participant.public_id],
    )
