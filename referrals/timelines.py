"""What happened to a referral, from the beginning: when, what, why, and who decided.

Each app registers what only it can tell of, when it is ready; nothing below it needs
to know of it. All of it is read from what was stored when it happened.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from referral_factory.ids import Identified
from referrals import telling
from referrals.models import (
    Event,
    Invitation,
    Participant,
    Referral,
    ReferralChange,
    RefusedClaim,
)

M = TypeVar("M", bound=Model)

MANY = 200  # of each kind: the newest are told
WORTH_TELLING = timedelta(minutes=5)  # between what happened and our hearing of it

# What was first, of what happened in one moment.
ENROLLED, CREDITED, DECIDED, REWARDED = range(4)


@dataclass(frozen=True)
class Entry:
    """One thing that happened.

    `at` is by the campaign's clock; for an event it is when we heard of it.
    """

    at: datetime
    kind: str
    what: str
    about: Identified
    why: str = ""
    by: str = ""  # who decided: "user:ana", "key:key_...", "rules"
    status: str = ""  # an event's outcome, or the status that a row then had
    because: Event | None = None  # what brought it about
    happened_at: datetime | None = None  # of an event that we heard of later
    rules_version: int | None = None
    checks: list[dict[str, Any]] = field(default_factory=list)
    order: int = DECIDED

    @property
    def who(self) -> str:
        said = telling.road_in_words if self.kind == "event" else telling.actor_in_words
        return said(self.by)

    @property
    def deciding(self) -> Any:
        return telling.deciding(self.checks)

    @property
    def place(self) -> tuple[datetime, int, UUID, bool]:
        """What an event brought about comes right after it."""
        cause = self.because or self.about
        return self.at, self.order, cause.pk, self.because is not None


@dataclass(frozen=True)
class Ahead:
    """What time does to a referral, if nothing else happens before."""

    at: datetime
    what: str


@dataclass(frozen=True)
class Timeline:
    referral: Referral
    entries: list[Entry]  # oldest first
    left_out: bool  # whether there is more of a kind than is told

    @property
    def summary(self) -> str:
        return telling.standing_in_words(self.referral)

    @property
    def ahead(self) -> Ahead | None:
        return ahead_of(self.referral)


Source = Callable[[Referral], Iterable[Entry]]

_sources: list[Source] = []


def register(source: Source) -> None:
    if source not in _sources:
        _sources.append(source)


def timeline_of(referral: Referral) -> Timeline:
    """A fixed number of queries, however much happened."""
    sources = (_people, _invited, _credit, _claims, _events, _moves, *_sources)
    told = [list(source(referral)) for source in sources]
    entries = sorted((each for some in told for each in some), key=_place)
    left_out = any(len(some) >= MANY for some in told)
    return Timeline(referral, entries, left_out)


def ahead_of(referral: Referral) -> Ahead | None:
    holding = referral.status == Referral.Status.HOLDING
    at = referral.holds_until if holding else referral.expires_at
    what = telling.ahead_in_words(referral.status)
    return Ahead(at, what) if what and at else None


def newest(rows: QuerySet[M]) -> list[M]:
    return list(rows.order_by("-id")[:MANY])


def _place(entry: Entry) -> tuple[datetime, int, UUID, bool]:
    return entry.place


def _people(referral: Referral) -> Iterator[Entry]:
    for side in ("advocate", "friend"):
        person: Participant = getattr(referral, side)
        what = telling.happened(f"{side}_enrolled")
        why = telling.way_in_words(person)
        yield Entry(person.created_at, "enrolled", what, person, why, order=ENROLLED)


def _invited(referral: Referral) -> Iterator[Entry]:
    mailbox = referral.friend.email_canonical
    if not mailbox:
        return
    rows = Invitation.objects.filter(
        campaign=referral.campaign_id, email_canonical=mailbox
    )
    for each in newest(rows):
        ours = each.advocate_id == referral.advocate_id
        what = telling.happened("invited" if ours else "invited_by_another")
        yield Entry(each.created_at, "invited", what, each, order=ENROLLED)


def _credit(referral: Referral) -> Iterator[Entry]:
    if referral.clicked_at:
        what = telling.happened("clicked")
        yield Entry(referral.clicked_at, "clicked", what, referral, order=ENROLLED)
    yield Entry(
        referral.created_at,
        "credited",
        telling.credit_in_words(referral),
        referral,
        why=telling.doubts_in_words(referral),
        checks=telling.checks_of(referral),
        order=CREDITED,
    )


def _claims(referral: Referral) -> Iterator[Entry]:
    rows = RefusedClaim.objects.filter(friend=referral.friend_id)
    for claim in newest(rows.select_related("advocate")):
        yield Entry(
            claim.created_at,
            "claim_refused",
            telling.happened("claim_refused", way=telling.WAYS[claim.way]),
            claim,
            why=claim.detail,
            status=claim.reason,
            checks=telling.checks_of(claim),
            order=CREDITED,
        )


def _events(referral: Referral) -> Iterator[Entry]:
    theirs = Q(referral=referral) | Q(participant=referral.friend_id)
    for event in newest(Event.objects.filter(theirs)):
        late = abs(event.received_at - event.occurred_at) > WORTH_TELLING
        checks = telling.checks_of(event)
        yield Entry(
            event.received_at,
            "event",
            telling.outcome_in_words(event),
            event,
            why=telling.why(checks),
            by=event.source,
            status=event.outcome,
            happened_at=event.occurred_at if late else None,
            rules_version=event.rules_version or None,
            checks=checks,
        )


def _moves(referral: Referral) -> Iterator[Entry]:
    rows = ReferralChange.objects.filter(referral=referral).select_related("event")
    changes = newest(rows)
    for change in changes or _moves_that_were_not_kept(referral):
        yield Entry(
            change.at,
            "moved",
            telling.move_in_words(change),
            referral,
            why=change.reason,
            by=change.decided_by,
            status=change.to_status,
            because=change.event,
        )


def _moves_that_were_not_kept(referral: Referral) -> Iterator[ReferralChange]:
    """What the row itself still tells of the time before each move was kept."""
    status = Referral.Status
    times = {
        status.QUALIFIED: referral.qualified_at,
        status.DISQUALIFIED: referral.disqualified_at,
        status.EXPIRED: referral.expires_at,
    }
    at = times.get(status(referral.status))
    if at:
        yield ReferralChange(
            referral=referral,
            from_status=status.PENDING,
            to_status=referral.status,
            reason=referral.reason,
            decided_by=referral.decided_by,
            at=at,
        )
