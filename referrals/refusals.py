"""The rules that refuse a claim: one error for each, with the code that names it."""

from referral_factory.errors import DomainError


class UnknownAdvocate(DomainError):
    code = "unknown"


class SelfReferral(DomainError):
    code = "self_referral"


class AlreadyReferred(DomainError):
    code = "already_referred"


class ClosedToClaims(DomainError):
    code = "campaign_not_open"


class ParticipantBlocked(DomainError):
    code = "participant_blocked"


class MailboxNotConfirmed(DomainError):
    code = "mailbox_not_confirmed"


class KnownBefore(DomainError):
    code = "known_before"


class AlreadyCustomer(DomainError):
    code = "already_customer"


class LinkTooOld(DomainError):
    code = "link_too_old"


class ReferralLoop(DomainError):
    code = "referral_loop"


class StrongerClaim(DomainError):
    code = "stronger_claim"
