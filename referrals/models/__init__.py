"""Who referred whom, and how far it got."""

from referrals.models.campaign import Campaign
from referrals.models.click import Click
from referrals.models.event import Event
from referrals.models.participant import Participant
from referrals.models.referral import Referral

__all__ = ["Campaign", "Click", "Event", "Participant", "Referral"]
