"""From a code, a click or a name to an advocate. Pure functions.

The order is the order of `Referral.Way`: whom your backend names outright comes first,
then the click, then the code. A claim names exactly one of them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from referral_factory.errors import DomainError
from referrals.models import Click, Participant, Referral


class SelfReferral(DomainError):
    code = "self_referral"


class AlreadyReferred(DomainError):
    code = "already_referred"


class ReferralLoop(DomainError):
    code = "referral_loop"


class AlreadyCustomer(DomainError):
    code = "already_customer"


class ParticipantBlocked(DomainError):
    code = "participant_blocked"


class LinkTooOld(DomainError):
    code = "link_too_old"


@dataclass(frozen=True)
class Claim:
    """Who is said to have referred somebody: the way, and what was given."""

    way: Referral.Way
    value: str

    @property
    def pointer(self) -> str:
        return f"/referred_by/{self.way.value}"


@dataclass(frozen=True)
class Credit:
    """The advocate that a claim leads to, and the click that proves it, if any."""

    advocate: Participant
    way: Referral.Way
    click: Click | None = None


def refuse_unless_creditable(
    credit: Credit, friend: Participant, *, window: timedelta, now: datetime
) -> None:
    """Raise the rule that speaks against crediting this advocate with this friend."""
    if credit.advocate.pk == friend.pk:
        raise SelfReferral("Nobody can refer themselves.")
    for person in (credit.advocate, friend):
        if person.status != Participant.Status.ACTIVE:
            raise ParticipantBlocked(f"{person.public_id} is {person.status}.")
    since = credit.click.created_at if credit.click else now
    if friend.was_customer(since):
        raise AlreadyCustomer(f"They are a customer since {friend.customer_since}.")
    if credit.click and credit.click.created_at < now - window:
        raise LinkTooOld(f"The click is older than {window.days} days.")
