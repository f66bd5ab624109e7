"""Which advocate gets the credit for a friend, and how we know. Pure functions.

`attribute` looks at claims in the written order, which is that of `Referral.Way`:
whom your backend names outright (by id, by your own id, by mailbox), the click, the
code, an invitation, and the signed cookie. The first claim that no rule refuses is
credited. Each claim is asked QUESTIONS, in their order; the first 'no' refuses it.
What speaks against a credit without refusing it (DOUBTS) is marked on the referral,
so that review looks at its rewards. docs/attribution.md says the same in words.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from referral_factory.errors import DomainError
from referrals.facts import Check
from referrals.models import Click, Invitation, Participant, Referral
from referrals.refusals import (
    AlreadyCustomer,
    AlreadyReferred,
    ClosedToClaims,
    KnownBefore,
    LinkTooOld,
    MailboxNotConfirmed,
    ParticipantBlocked,
    ReferralLoop,
    SelfReferral,
    StrongerClaim,
    UnknownAdvocate,
)

Way = Referral.Way
ORDER = list(Way)
# A click proves these ways; their age is the click's.
BY_CLICK = frozenset({Way.CLICK, Way.COOKIE})
# What your backend names itself must lead somewhere: otherwise it is a mistake there.
OUTRIGHT = frozenset({Way.PARTICIPANT, Way.EXTERNAL_ID, Way.EMAIL})


@dataclass(frozen=True)
class Claim:
    """Who is said to have referred somebody: the way, and what was given.

    `proved` is False where the friend's mailbox may be anybody's: on a public form.
    """

    way: Referral.Way
    value: str
    proved: bool = True

    @property
    def pointer(self) -> str:
        return f"/referred_by/{self.way.value}"


@dataclass(frozen=True)
class Trace:
    """A claim, and where it leads: to nobody where there is no advocate."""

    claim: Claim
    advocate: Participant | None = None
    click: Click | None = None
    invitation: Invitation | None = None
    closes_ring: bool = False  # the friend is among the advocate's own advocates

    @property
    def since(self) -> datetime | None:
        """When the friend was won, where the way tells."""
        proof = self.click or self.invitation
        return proof.created_at if proof else None


@dataclass(frozen=True)
class FriendFacts:
    person: Participant
    is_new: bool  # enrolled in this very call
    known_before: bool = False  # somebody erased had their mailbox or external id


@dataclass(frozen=True)
class ExistingReferral:
    public_id: str
    advocate: Participant


@dataclass(frozen=True)
class Rules:
    """What a campaign says about credit."""

    window: timedelta
    open: bool = True  # whether it takes new referrals

    def as_json(self) -> dict[str, Any]:
        return {
            "attribution_days": self.window.days,
            "order": [way.value for way in ORDER],
        }


@dataclass(frozen=True)
class Mark:
    code: str
    detail: str


@dataclass(frozen=True)
class Verdict:
    """What became of one claim: `outcome` is "credited", "agreed" or a refusal."""

    trace: Trace
    outcome: str
    checks: tuple[Check, ...]

    @property
    def detail(self) -> str:
        return self.checks[-1].detail


@dataclass(frozen=True)
class Attribution:
    """Who is credited now (or nobody), what was refused, and what is doubtful.

    `repeats`: a claim led to whoever had the credit already, so nothing is new.
    """

    verdicts: tuple[Verdict, ...]
    credit: Trace | None = None
    repeats: bool = False
    checks: tuple[Check, ...] = ()
    marks: tuple[Mark, ...] = ()

    @property
    def refusals(self) -> list[Verdict]:
        return [each for each in self.verdicts if each.outcome not in ACCEPTED]

    def decision(self, rules: Rules) -> dict[str, Any]:
        """How the credit came about, as it is stored."""
        ways = [
            {"way": each.trace.claim.way.value, "outcome": each.outcome}
            for each in self.verdicts
        ]
        return {**explained(self.checks, rules), "ways": ways}


CREDITED, AGREED = "credited", "agreed"
ACCEPTED = frozenset({CREDITED, AGREED})


@dataclass(frozen=True)
class Case:
    """All that a question about one claim looks at."""

    trace: Trace
    advocate: Participant
    friend: FriendFacts
    existing: ExistingReferral | None
    stronger: Trace | None  # the claim that was credited before this one's turn
    rules: Rules
    now: datetime


def attribute(
    claims: Iterable[Trace],
    friend: FriendFacts,
    existing: ExistingReferral | None,
    rules: Rules,
    now: datetime,
) -> Attribution:
    """Judge each claim in the written order; the first that nothing refuses wins.

    A claim that leads to whoever has the credit, or gets it here, merely agrees.
    """
    credit: Trace | None = None
    verdicts: list[Verdict] = []
    for trace in in_order(claims):
        verdict = _judge(trace, friend, existing, credit, rules, now)
        verdicts.append(verdict)
        if verdict.outcome == CREDITED:
            credit = trace
    if credit is None:
        repeats = any(verdict.outcome == AGREED for verdict in verdicts)
        return Attribution(tuple(verdicts), repeats=repeats)
    won = next(verdict for verdict in verdicts if verdict.outcome == CREDITED)
    doubts = [doubt(credit, friend) for doubt, _code in DOUBTS]
    return Attribution(
        tuple(verdicts),
        credit,
        checks=(*won.checks, *doubts),
        marks=_marks(doubts),
    )


def in_order(claims: Iterable[Trace]) -> list[Trace]:
    """Strongest first."""
    return sorted(claims, key=lambda trace: ORDER.index(trace.claim.way))


def explained(checks: Sequence[Check], rules: Rules) -> dict[str, Any]:
    return {"checks": [check.as_json() for check in checks], "rules": rules.as_json()}


def _judge(
    trace: Trace,
    friend: FriendFacts,
    existing: ExistingReferral | None,
    stronger: Trace | None,
    rules: Rules,
    now: datetime,
) -> Verdict:
    advocate = trace.advocate
    if advocate is None:
        return Verdict(trace, UnknownAdvocate.code, (_leads_nowhere(trace),))
    led = Check("leads_to_an_advocate", True, f"It leads to {advocate.public_id}.")
    holder = existing.advocate if existing else stronger and stronger.advocate
    if holder and holder.pk == advocate.pk:
        agrees = Check("agrees", True, "They have the credit for this friend.")
        return Verdict(trace, AGREED, (led, agrees))
    case = Case(trace, advocate, friend, existing, stronger, rules, now)
    checks = [led]
    for question, refusal in QUESTIONS:
        checks.append(question(case))
        if not checks[-1].passed:
            return Verdict(trace, refusal.code, tuple(checks))
    return Verdict(trace, CREDITED, tuple(checks))


def _leads_nowhere(trace: Trace) -> Check:
    way = trace.claim.way
    detail = f"No advocate of this campaign has this {way.value}."
    if way == Way.COOKIE:
        detail = "The cookie tells of no click on a link of this campaign."
    return Check("leads_to_an_advocate", False, detail)


def _is_somebody_else(case: Case) -> Check:
    other = case.advocate.pk != case.friend.person.pk
    detail = "Advocate and friend are two people."
    return Check(
        "is_somebody_else", other, detail if other else "Nobody can refer themselves."
    )


def _was_not_referred(case: Case) -> Check:
    if case.existing is None:
        return Check("first_link_wins", True, "Nobody had referred them.")
    first = case.existing
    return Check(
        "first_link_wins",
        False,
        f"{first.advocate.public_id} referred them first: {first.public_id}.",
    )


def _campaign_is_open(case: Case) -> Check:
    detail = "takes new referrals" if case.rules.open else "takes no new referrals"
    return Check("campaign_is_open", case.rules.open, f"The campaign {detail}.")


def _both_are_active(case: Case) -> Check:
    for person in (case.advocate, case.friend.person):
        if person.status != Participant.Status.ACTIVE:
            detail = f"{person.public_id} is {person.status}."
            return Check("both_are_active", False, detail)
    return Check("both_are_active", True, "Advocate and friend are active.")


def _mailbox_is_proved(case: Case) -> Check:
    proved = case.friend.is_new or case.trace.claim.proved
    return Check(
        "mailbox_is_proved",
        proved,
        "It is not in doubt who the friend is."
        if proved
        else "They were enrolled before, and did not show that the mailbox is theirs.",
    )


def _was_never_here(case: Case) -> Check:
    known = case.friend.known_before
    return Check(
        "was_never_here",
        not known,
        "Somebody of their name was erased here before."
        if known
        else "Nobody of their name was erased here.",
    )


def _is_not_a_customer(case: Case) -> Check:
    since = case.friend.person.customer_since
    won = case.trace.since or case.now
    if since is None:
        return Check("is_not_a_customer", True, "They were no customer.")
    return Check(
        "is_not_a_customer",
        not case.friend.person.was_customer(won),
        f"They are a customer since {since:%Y-%m-%d %H:%M} UTC; "
        f"the friend was won on {won:%Y-%m-%d %H:%M} UTC.",
    )


def _is_within_the_window(case: Case) -> Check:
    since, days = case.trace.since, case.rules.window.days
    if since is None:
        return Check("within_window", True, "This way has no date.")
    what = "The click" if case.trace.click else "The invitation"
    return Check(
        "within_window",
        since >= case.now - case.rules.window,
        f"{what} was on {since:%Y-%m-%d %H:%M} UTC, the claim on "
        f"{case.now:%Y-%m-%d %H:%M} UTC; it counts for {days} days.",
    )


def _closes_no_ring(case: Case) -> Check:
    closes = case.trace.closes_ring
    return Check(
        "closes_no_ring",
        not closes,
        "The friend is among the advocate's own advocates."
        if closes
        else "The friend is not among the advocate's own advocates.",
    )


def _is_the_strongest(case: Case) -> Check:
    if case.stronger is None:
        return Check("is_the_strongest", True, "No stronger claim was credited.")
    way = case.stronger.claim.way.value
    return Check(
        "is_the_strongest", False, f"A stronger claim, by {way}, was credited."
    )


# What each claim that leads to an advocate is asked, and the refusal that 'no' is.
QUESTIONS: tuple[tuple[Callable[[Case], Check], type[DomainError]], ...] = (
    (_is_somebody_else, SelfReferral),
    (_was_not_referred, AlreadyReferred),
    (_campaign_is_open, ClosedToClaims),
    (_both_are_active, ParticipantBlocked),
    (_mailbox_is_proved, MailboxNotConfirmed),
    (_was_never_here, KnownBefore),
    (_is_not_a_customer, AlreadyCustomer),
    (_is_within_the_window, LinkTooOld),
    (_closes_no_ring, ReferralLoop),
    (_is_the_strongest, StrongerClaim),
)


def _advocate_came_first(credit: Trace, friend: FriendFacts) -> Check:
    assert credit.advocate is not None  # noqa: S101 - it was credited
    if friend.is_new:
        return Check("advocate_came_first", True, "The friend is new.")
    theirs, ours = friend.person.created_at, credit.advocate.created_at
    return Check(
        "advocate_came_first",
        theirs >= ours,
        f"The friend was enrolled on {theirs:%Y-%m-%d %H:%M:%S} UTC, "
        f"the advocate on {ours:%Y-%m-%d %H:%M:%S} UTC.",
    )


def _click_came_first(credit: Trace, friend: FriendFacts) -> Check:
    if credit.click is None or friend.is_new:
        why = "The friend is new." if friend.is_new else "This way has no click."
        return Check("click_came_first", True, why)
    enrolled, clicked = friend.person.created_at, credit.click.created_at
    return Check(
        "click_came_first",
        clicked <= enrolled,
        f"The friend was enrolled on {enrolled:%Y-%m-%d %H:%M:%S} UTC "
        f"and clicked on {clicked:%Y-%m-%d %H:%M:%S} UTC.",
    )


# What a credit is asked too, and the mark that 'no' leaves on the referral.
DOUBTS: tuple[tuple[Callable[[Trace, FriendFacts], Check], str], ...] = (
    (_advocate_came_first, "friend_before_advocate"),
    (_click_came_first, "click_after_enrolment"),
)


def _marks(doubts: Sequence[Check]) -> tuple[Mark, ...]:
    codes = (code for _doubt, code in DOUBTS)
    return tuple(
        Mark(code, check.detail)
        for code, check in zip(codes, doubts, strict=True)
        if not check.passed
    )


REFUSALS: dict[str, type[DomainError]] = {
    UnknownAdvocate.code: UnknownAdvocate,
    **{refusal.code: refusal for _question, refusal in QUESTIONS},
}
