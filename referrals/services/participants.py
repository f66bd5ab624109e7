"""Who is in a campaign: one person or thousands are enrolled by the same statements."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from referral_factory.errors import DomainError
from referrals.mailboxes import canonical
from referrals.models import Campaign, Participant, Referral, RefusedClaim
from referrals.services import enrolling
from referrals.services.campaigns import CampaignNotOpen, refuse_unless_open
from referrals.services.enrolling import Gathered
from referrals.services.events import (
    match_events_of_people,
    match_events_of_person,
)
from referrals.services.living import ParticipantErased
from referrals.services.locks import lock_names, names_as, names_of
from referrals.services.people import (
    IdentityConflict,
    Person,
    Plan,
    Step,
    person,
    two_people,
)
from referrals.services.referring import Attributed, refer_friends
from referrals.services.tracing import refuse_nowhere
from referrals.signals import (
    participant_blocked,
    participant_created,
    participant_unblocked,
    participant_updated,
)

Source = Participant.Source

__all__ = [
    "Enrolment",
    "IdentityConflict",
    "Person",
    "Refusal",
    "block_participant",
    "change_participant",
    "enrol_participant",
    "enrol_people",
    "person",
    "unblock_participant",
]


@dataclass(slots=True)
class Enrolment:
    """What became of one row."""

    participant: Participant
    created: bool
    changed: bool = False
    referral: Referral | None = None
    referral_created: bool = False
    refused: tuple[RefusedClaim, ...] = ()
    judged: int = 0  # events that had come before them


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing of this row was kept, and why."""

    error: DomainError

    @property
    def code(self) -> str:
        return self.error.code

    @property
    def detail(self) -> str:
        return str(self.error)

    @property
    def pointer(self) -> str:
        """The field that is wrong; empty where the row as a whole is refused."""
        return getattr(self.error, "pointer", "")


def enrol_participant(
    campaign: Campaign, who: Person, *, wall: datetime, source: str = Source.API
) -> Enrolment:
    """Enrol somebody, or bring what we know of them up to date: see enrol_people.

    Raises what refuses them.
    """
    (answer,) = enrol_people(campaign, [who], wall=wall, source=source)
    if isinstance(answer, Refusal):
        raise answer.error
    return answer


@transaction.atomic(savepoint=False)
def enrol_people(
    campaign: Campaign,
    people: Sequence[Person],
    *,
    wall: datetime,
    source: str = Source.API,
) -> list[Enrolment | Refusal]:
    """Enrol people, or bring what we know of them up to date; an answer for each.

    A row that is refused leaves the others alone. Who comes twice is enrolled as their
    first row says and updated as the second does. With claims, their referrals are
    made in the same transaction, or what refused them is kept: see referring.py. Events
    that came before their person are judged now.
    """
    if not people:
        return []
    names = {name for who in people for name in who.names}
    known = enrolling.gather(campaign, people, names)
    plan = _plan(campaign, people, known, now=campaign.now(wall), source=source)
    overtaken = _write(plan, people)
    answers = _Answers(campaign, people, plan, known, overtaken, wall).find()
    if overtaken:
        # Somebody who holds no names wrote or erased these people meanwhile. It is
        # committed: now they are found as they are.
        numbers = [n for n, answer in enumerate(answers) if answer is None]
        again = [people[number] for number in numbers]
        late = enrol_people(campaign, again, wall=wall, source=source)
        for number, answer in zip(numbers, late, strict=True):
            answers[number] = answer
    return [answer for answer in answers if answer]


def _plan(
    campaign: Campaign,
    people: Sequence[Person],
    known: Gathered,
    *,
    now: datetime,
    source: str,
) -> Plan:
    """What every row does. Rows that name nobody as their advocate outright are out."""
    faults: dict[int, DomainError] = {}
    while True:
        plan = Plan(campaign, now, source, _closed(campaign))
        plan.know(known.people)
        for number, who in enumerate(people):
            plan.take(who, faults.get(number))
        found = _nowhere(campaign, people, plan)
        if not found:
            return plan
        faults |= found  # who is refused may be whom others named: look once more


def _closed(campaign: Campaign) -> DomainError | None:
    try:
        refuse_unless_open(campaign)
    except CampaignNotOpen as refusal:
        return refusal
    return None


def _nowhere(
    campaign: Campaign, people: Sequence[Person], plan: Plan
) -> Mapping[int, DomainError]:
    if not any(who.claims for who in people):
        return {}
    rows = [
        (who.names, who.claims) if isinstance(step, Step) else ((), ())
        for who, step in zip(people, plan.steps, strict=True)
    ]
    return refuse_nowhere(campaign, rows)


def _write(plan: Plan, people: Sequence[Person]) -> set[UUID]:
    """Write it, in as many statements for one as for thousands.

    Returns who could not be written: see enrol_people.
    """
    overtaken: set[UUID] = set()
    if plan.newcomers:
        overtaken |= plan.newcomers.keys() - enrolling.insert(plan.newcomers)
    if plan.changes:
        friends = {
            step.participant.pk
            for who, step in zip(people, plan.steps, strict=True)
            if who.claims and isinstance(step, Step) and not step.created
        }
        overtaken |= plan.changes.keys() - enrolling.update(plan.changes, friends)
    return overtaken


@dataclass
class _Answers:
    """What follows from a plan that was written, and the answer to each row."""

    campaign: Campaign
    people: Sequence[Person]
    plan: Plan
    known: Gathered
    overtaken: set[UUID]
    wall: datetime

    def find(self) -> list[Enrolment | Refusal | None]:
        """None where the person was overtaken."""
        self._announce_newcomers()
        found = self._refer(new=True)
        judged = self._judge(self.plan.newcomers)
        self._announce_changes()
        self._judge(self.plan.changes)
        found |= self._refer(new=False)
        return [
            self._answer(step, found.get(number, Attributed()), judged)
            for number, step in enumerate(self.plan.steps)
        ]

    def _answer(
        self, step: Step | DomainError, found: Attributed, judged: Mapping[UUID, int]
    ) -> Enrolment | Refusal | None:
        if isinstance(step, DomainError):
            return Refusal(step)
        if step.participant.pk in self.overtaken:
            return None
        return Enrolment(
            step.participant,
            step.created,
            step.changed,
            found.referral,
            found.created,
            found.refused,
            judged.get(step.participant.pk, 0),
        )

    def _announce_newcomers(self) -> None:
        fresh = self.plan.newcomers.items()
        instances = [person for pk, person in fresh if pk not in self.overtaken]
        if instances:
            participant_created.send(sender=Participant, instances=instances)

    def _announce_changes(self) -> None:
        instances = list(self._changed())
        if instances:
            participant_updated.send(sender=Participant, instances=instances)

    def _changed(self) -> Iterator[Participant]:
        for participant in self.known.people:
            if participant.pk in self.plan.changes.keys() - self.overtaken:
                for name, value in self.plan.changes[participant.pk].items():
                    setattr(participant, name, value)
                yield participant

    def _judge(self, whose: Mapping[UUID, Any]) -> dict[UUID, int]:
        """Judge the events that had come under these people's names before."""
        if not self.known.awaited:
            return {}
        candidates = [*self.plan.newcomers.values(), *self.known.people]
        people = [
            participant
            for participant in candidates
            if participant.pk in whose.keys() - self.overtaken
            and not self.known.awaited.isdisjoint(names_of(participant))
        ]
        return match_events_of_people(self.campaign, people, wall=self.wall)

    def _refer(self, *, new: bool) -> dict[int, Attributed]:
        """Credit advocates with newcomers, or with those known: by row."""
        friends = {
            number: (step.participant, self.people[number].claims)
            for number, step in enumerate(self.plan.steps)
            if isinstance(step, Step)
            and step.created is new
            and step.participant.pk not in self.overtaken
            and (self.people[number].claims or (new and self._invited(step)))
        }
        if not friends:
            return {}
        found = refer_friends(
            self.campaign, list(friends.values()), wall=self.wall, new=new
        )
        return dict(zip(friends, found, strict=True))

    def _invited(self, step: Step) -> bool:
        return step.participant.email_canonical in self.known.invited


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
    names = names_as(real.get("external_id"), real.get("email_canonical"))
    lock_names(participant.campaign, names)
    try:
        with transaction.atomic():
            alive = Participant.objects.exclude(status=Participant.Status.ERASED)
            written = alive.filter(pk=participant.pk).update(**real)
    except IntegrityError as error:
        raise _conflict(participant, real) from error
    if not written:
        raise ParticipantErased("They were erased meanwhile.")
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


def _conflict(participant: Participant, changes: dict[str, Any]) -> IdentityConflict:
    others = Participant.objects.filter(campaign=participant.campaign_id).filter(
        Q(external_id__in=_values(changes, "external_id"))
        | Q(email_canonical__in=_values(changes, "email_canonical"))
    )
    return two_people([participant, *others.exclude(pk=participant.pk)])


def _values(changes: dict[str, Any], name: str) -> list[Any]:
    return [changes[name]] if changes.get(name) else []
