"""People who enrol themselves on a campaign's page.

A form proves nothing: anybody can enter anybody's mailbox. So it may enrol a newcomer,
and changes nothing about somebody known until their mailbox has answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from referral_factory.errors import DomainError
from referrals.attribution import Claim
from referrals.mailboxes import canonical
from referrals.models import (
    Campaign,
    Consent,
    ConsentText,
    JoinRequest,
    Participant,
    Referral,
)
from referrals.services.campaigns import refuse_unless_open
from referrals.services.locks import email_name, lock_names
from referrals.services.participants import (
    change_participant,
    enrol_participant,
    person,
)
from referrals.services.referring import refer_friend
from referrals.signals import join_requested

CONFIRM_WITHIN = timedelta(hours=48)


class RequestGone(DomainError):
    code = "request_gone"


@dataclass(frozen=True)
class Answers:
    """What somebody filled in, checked, and where it came from."""

    email: str
    name: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()  # strongest first
    consent_text: ConsentText | None = None
    address: str | None = None
    user_agent: str = ""

    @property
    def mailbox(self) -> str:
        return canonical(self.email)


@transaction.atomic
def join_at_once(
    campaign: Campaign, answers: Answers, *, wall: datetime
) -> Participant:
    """Enrol a newcomer. Somebody known stays exactly as they are.

    A claim about them is kept as refused: their mailbox did not speak for it.
    """
    refuse_unless_open(campaign)
    unproved = tuple(replace(claim, proved=False) for claim in answers.claims)
    answers = replace(answers, claims=unproved)
    known = _known(campaign, answers.mailbox)
    if known is None:
        return _enrol(campaign, answers, wall=wall)
    if unproved:
        refer_friend(known, unproved, wall=wall)
    return known


@transaction.atomic
def request_to_join(campaign: Campaign, answers: Answers, *, wall: datetime) -> None:
    """Keep what was filled in until the mailbox answers. Looks at nobody."""
    refuse_unless_open(campaign)
    request = JoinRequest.objects.create(
        campaign=campaign,
        email=answers.email,
        email_canonical=answers.mailbox,
        name=answers.name,
        attributes=answers.attributes,
        claims=[{"way": str(c.way), "value": c.value} for c in answers.claims],
        consent_text=answers.consent_text,
        address=answers.address,
        user_agent=answers.user_agent,
        created_at=wall,
        expires_at=wall + CONFIRM_WITHIN,
    )
    join_requested.send(sender=JoinRequest, instances=[request])


def open_request(pk: UUID, *, wall: datetime) -> JoinRequest:
    """The request that waits for its mailbox; RequestGone when none does any more."""
    waiting = JoinRequest.objects.filter(pk=pk, expires_at__gt=wall)
    request = waiting.select_related("campaign", "consent_text").first()
    if request is None:
        raise RequestGone("It was confirmed already, or has expired.")
    return request


@transaction.atomic
def confirm_request(pk: UUID, *, wall: datetime) -> Participant:
    """The mailbox has answered: enrol its owner, or recognise them.

    What we know of somebody already stays; only what is empty is filled in.
    """
    request = open_request(pk, wall=wall)
    campaign, answers = request.campaign, _answers_of(request)
    # The person before the request, as whoever erases them does.
    known = _known(campaign, answers.mailbox)
    taken, _by_model = JoinRequest.objects.filter(pk=pk).delete()
    if not taken:  # one of two clicks at once gets it
        raise RequestGone("It was confirmed a moment ago, or is erased.")
    confirmed_at = campaign.now(wall)
    if known is None:
        return _enrol(campaign, answers, wall=wall, confirmed_at=confirmed_at)
    change_participant(known, _missing(known, answers, confirmed_at), wall=wall)
    _keep_consent(known, answers, wall)
    if answers.claims:
        refer_friend(known, answers.claims, wall=wall)
    return known


def drop_expired_requests(*, wall: datetime, limit: int) -> int:
    """Forget what nobody confirmed in time. Returns how many."""
    expired = JoinRequest.objects.filter(expires_at__lte=wall).order_by("expires_at")
    dropped, _ = JoinRequest.objects.filter(
        pk__in=expired.values("pk")[:limit]
    ).delete()
    return dropped


def _known(campaign: Campaign, mailbox: str) -> Participant | None:
    """Whoever has the mailbox, held; where nobody does, nobody gets it meanwhile."""
    people = Participant.objects.filter(campaign=campaign, email_canonical=mailbox)
    owner = people.select_for_update(no_key=True)
    known = owner.first()
    if known is None:
        lock_names(campaign, [email_name(mailbox)])
        known = owner.first()
    if known:
        known.campaign = campaign
    return known


def _enrol(
    campaign: Campaign, answers: Answers, *, wall: datetime, **details: Any
) -> Participant:
    newcomer = person(
        email=answers.email,
        claims=answers.claims,
        name=answers.name,
        attributes=answers.attributes,
        address=answers.address,
        user_agent=answers.user_agent,
        **details,
    )
    enrolment = enrol_participant(
        campaign, newcomer, wall=wall, source=Participant.Source.JOIN
    )
    participant = enrolment.participant
    _keep_consent(participant, answers, wall)
    return participant


def _missing(
    known: Participant, answers: Answers, confirmed_at: datetime
) -> dict[str, Any]:
    """What was filled in and is empty so far."""
    changes: dict[str, Any] = {}
    if answers.name and not known.name:
        changes["name"] = answers.name
    if set(answers.attributes) - set(known.attributes):
        changes["attributes"] = {**answers.attributes, **known.attributes}
    if known.confirmed_at is None:
        changes["confirmed_at"] = confirmed_at
    return changes


def _keep_consent(participant: Participant, answers: Answers, wall: datetime) -> None:
    if answers.consent_text is None:
        return
    given = Consent(
        participant=participant,
        text=answers.consent_text,
        given_at=wall,
        address=answers.address,
    )
    Consent.objects.bulk_create([given], ignore_conflicts=True)


def _answers_of(request: JoinRequest) -> Answers:
    return Answers(
        email=request.email,
        name=request.name,
        attributes=request.attributes,
        claims=claims_from(request.claims),
        consent_text=request.consent_text,
        address=request.address,
        user_agent=request.user_agent,
    )


def claims_from(stored: Sequence[dict[str, str]]) -> tuple[Claim, ...]:
    return tuple(Claim(Referral.Way(each["way"]), each["value"]) for each in stored)
