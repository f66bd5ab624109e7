"""Who referred whom, and how far it got."""

from referrals.models.campaign import Campaign
from referrals.models.change import ReferralChange
from referrals.models.claim import Invitation, RefusedClaim
from referrals.models.click import Click
from referrals.models.event import Event
from referrals.models.importing import (
    Import,
    ImportFault,
    ImportName,
    ImportPart,
)
from referrals.models.joining import Consent, ConsentText, JoinRequest
from referrals.models.milestone import MilestoneVersion
from referrals.models.participant import FormerCode, Participant, Tombstone
from referrals.models.referral import Referral

__all__ = [
    "Campaign",
    "Click",
    "Consent",
    "ConsentText",
    "Event",
    "FormerCode",
    "Import",
    "ImportFault",
    "ImportName",
    "ImportPart",
    "Invitation",
    "JoinRequest",
    "MilestoneVersion",
    "Participant",
    "Referral",
    "ReferralChange",
    "RefusedClaim",
    "Tombstone",
]
