"""Crediting advocates with friends, and keeping the claims that were not credited."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from referral_factory.errors import DomainError, InvalidInput
from referrals.attribution import (
    REFUSALS,
    Attribution,
    Claim,
    ExistingReferral,
    FriendFacts,
    Rules,
    Trace,
    Verdict,
    attribute,
    explained,
)
from referrals.models import Campaign, Participant, Referral, RefusedClaim
from referrals.refusals import AlreadyReferred, UnknownAdvocate
from referrals.services.events import match_events_of_referrals
from referrals.services.living import hold
from referrals.services.locks import lock_campaign, names_of
from referrals.services.rings import advocates_above
from referrals.services.tombstones import erased_names
from referrals.services.tracing import (
    trace_claims,
    trace_invitations,
    with_clicks,
)
from referrals.signals import referral_created

Friend = tuple[Participant, Sequence[Claim]]
Traced = tuple[FriendFacts, list[Trace]]


@dataclass(frozen=True)
class Attributed:
    """What became of somebody's claims.

    `referral` is the one that they led to, new or not. It is None where nothing was
    claimed, and where all was refused, even where somebody else has the credit.
    """

    referral: Referral | None = None
    created: bool = False
    refused: tuple[RefusedClaim, ...] = ()


@dataclass
class _Books:
    """Who has the credit for whom, as far as it matters here, kept while we judge."""

    referrals: dict[UUID, Referral] = field(default_factory=dict)  # by friend
    above: dict[UUID, UUID] = field(default_factory=dict)  # a friend's advocate

    def existing(self, friend: Participant) -> ExistingReferral | None:
        referral = self.referrals.get(friend.pk)
        if referral is None:
            return None
        return ExistingReferral(referral.public_id, referral.advocate)

    def enter(self, referral: Referral) -> None:
        self.referrals[referral.friend_id] = referral
        self.above[referral.friend_id] = referral.advocate_id

    def closes_ring(self, friend: Participant, advocate: Participant | None) -> bool:
        """Walk up from the advocate: is the friend there?"""
        walked: set[UUID] = set()
        step = advocate and self.above.get(advocate.pk)
        while step and step not in walked:
            walked.add(step)
            step = self.above.get(step)
        return friend.pk in walked


def refer_friend(
    friend: Participant, claims: Sequence[Claim], *, wall: datetime
) -> Attributed:
    """Credit the advocate that the claims about somebody known lead to."""
    given = [(friend, claims)]
    (answer,) = refer_friends(friend.campaign, given, wall=wall, new=False)
    return answer


@transaction.atomic
def refer_friends(
    campaign: Campaign, friends: Sequence[Friend], *, wall: datetime, new: bool
) -> list[Attributed]:
    """Credit the advocates that the claims lead to, and keep the claims refused.

    `new`: the friends were enrolled in this very transaction, and nobody else can see
    them yet. Invitations of their mailboxes are claims then, and judging their events
    is left to whoever enrols them. People known before are locked in the order of
    their ids, then the campaign: once in a transaction, so that nobody waits in a ring.
    """
    now = campaign.now(wall)
    books = _Books() if new else _lock_friends(friends)
    traced = _trace_and_hold(campaign, friends, new=new, now=now)
    if not new:
        _lock_rings(campaign, traced, books)
    judged = [_judge(campaign, each, books, now) for each in traced]
    answers = _keep_refused(judged)
    made = [each.referral for each in answers if each.referral and each.created]
    if made:
        Referral.objects.bulk_create(made)
        referral_created.send(sender=Referral, instances=made)
        if not new:
            match_events_of_referrals(campaign, made, wall=wall)
    return answers


def refusal_of(refused: Sequence[RefusedClaim]) -> DomainError:
    """The strongest refusal, as the error that says it."""
    strongest = refused[0]
    if strongest.reason == UnknownAdvocate.code:
        claim = Claim(Referral.Way(strongest.way), strongest.value)
        return InvalidInput(claim.pointer, strongest.detail, strongest.reason)
    facts = {}
    if strongest.reason == AlreadyReferred.code:
        referral = Referral.objects.get(friend=strongest.friend_id)
        facts["referral"] = referral.public_id
    return REFUSALS[strongest.reason](strongest.detail, **facts)


def _lock_friends(friends: Sequence[Friend]) -> _Books:
    """Hold the friends, and see them and their referrals as they are now."""
    people = {person.pk: person for person, _claims in friends}
    rows = Participant.objects.filter(pk__in=people).order_by("pk")
    locked = rows.select_for_update(no_key=True).values_list("pk", "status")
    statuses = dict(locked)
    for person in people.values():
        person.status = statuses[person.pk]
    books = _Books()
    credited = Referral.objects.filter(friend__in=people).select_related("advocate")
    for referral in credited:
        books.enter(referral)
    return books


def _trace_and_hold(
    campaign: Campaign, friends: Sequence[Friend], *, new: bool, now: datetime
) -> list[Traced]:
    """Nobody is credited who is merged or erased at this moment."""
    while True:
        traced = _trace(campaign, friends, new=new, now=now)
        found = [trace.advocate for _friend, traces in traced for trace in traces]
        if hold([advocate for advocate in found if advocate]):
            return traced


def _trace(
    campaign: Campaign, friends: Sequence[Friend], *, new: bool, now: datetime
) -> list[Traced]:
    """Everything that a decision looks at, but for who referred whom."""
    found = trace_claims(campaign, {c for _friend, claims in friends for c in claims})
    people = [person for person, _claims in friends]
    invited = trace_invitations(campaign, people, now=now) if new else {}
    traced = [
        (
            FriendFacts(person, is_new=new),
            with_clicks([found[claim] for claim in claims])
            + ([invited[person.pk]] if person.pk in invited else []),
        )
        for person, claims in friends
    ]
    return _with_tombstones(campaign, traced)


def _with_tombstones(campaign: Campaign, traced: list[Traced]) -> list[Traced]:
    names = {n for friend, traces in traced if traces for n in names_of(friend.person)}
    erased = erased_names(campaign, names) if names else set()
    if not erased:
        return traced
    return [
        (
            replace(
                friend, known_before=not erased.isdisjoint(names_of(friend.person))
            ),
            traces,
        )
        for friend, traces in traced
    ]


def _lock_rings(campaign: Campaign, traced: list[Traced], books: _Books) -> None:
    """Note who is above the advocates of whoever may get one now, under a lock."""
    starts = {
        trace.advocate.pk
        for friend, traces in traced
        for trace in traces
        if trace.advocate and not books.existing(friend.person)
    }
    if not starts:
        return
    lock_campaign(campaign)
    books.above |= advocates_above(starts)


def _judge(
    campaign: Campaign, traced: Traced, books: _Books, now: datetime
) -> Attributed:
    friend, traces = traced
    if not traces:
        return Attributed()
    person = friend.person
    claims = [
        replace(trace, closes_ring=books.closes_ring(person, trace.advocate))
        for trace in traces
    ]
    rules = Rules(
        window=timedelta(days=campaign.attribution_days),
        open=campaign.status == Campaign.Status.LIVE,
    )
    found = attribute(claims, friend, books.existing(person), rules, now)
    refused = tuple(_refused(person, each, rules, now) for each in found.refusals)
    if found.credit:
        books.enter(_new_referral(campaign, person, found, rules, now))
    led = found.credit or found.repeats
    referral = books.referrals[person.pk] if led else None
    return Attributed(referral, found.credit is not None, refused)


def _new_referral(
    campaign: Campaign,
    friend: Participant,
    found: Attribution,
    rules: Rules,
    now: datetime,
) -> Referral:
    credit = found.credit
    assert credit is not None  # noqa: S101 - only what is credited is written
    click = credit.click
    return Referral(
        campaign=campaign,
        advocate=credit.advocate,
        friend=friend,
        way=credit.claim.way,
        marks=[asdict(mark) for mark in found.marks],
        decision=found.decision(rules),
        click_id=click.pk if click else None,
        clicked_at=click.created_at if click else None,
        click_address=click.address if click else None,
        click_user_agent=click.user_agent if click else "",
        created_at=now,
        expires_at=now + timedelta(days=campaign.milestone_within_days),
    )


def _refused(
    friend: Participant, verdict: Verdict, rules: Rules, now: datetime
) -> RefusedClaim:
    trace = verdict.trace
    return RefusedClaim(
        campaign_id=friend.campaign_id,
        friend=friend,
        advocate=trace.advocate,
        way=trace.claim.way,
        value=trace.claim.value,
        reason=verdict.outcome,
        detail=verdict.detail,
        decision=explained(verdict.checks, rules),
        created_at=now,
    )


def _keep_refused(answers: Iterable[Attributed]) -> list[Attributed]:
    """Store the refused claims. One that comes again changes nothing.

    After its friend was credited, a claim that lost then would be refused as
    already_referred: it keeps the reason that it has.
    """
    found = list(answers)
    late = {
        row.friend_id
        for answer in found
        for row in answer.refused
        if row.reason == AlreadyReferred.code
    }
    kept: dict[tuple[UUID, str, str], RefusedClaim] = {}
    if late:
        for row in RefusedClaim.objects.filter(friend__in=late).order_by("-id"):
            kept[row.friend_id, row.way, row.value] = row
    answers = [_as_kept(each, kept) for each in found]
    fresh = [row for each in answers for row in each.refused if row._state.adding]
    RefusedClaim.objects.bulk_create(fresh, ignore_conflicts=True)
    return answers


def _as_kept(
    answer: Attributed, kept: dict[tuple[UUID, str, str], RefusedClaim]
) -> Attributed:
    refused = tuple(
        kept.get((row.friend_id, row.way, row.value), row)
        if row.reason == AlreadyReferred.code
        else row
        for row in answer.refused
    )
    return replace(answer, refused=refused)
