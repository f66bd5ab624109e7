"""Campaigns, people, referrals and events for staff."""

from referrals.admin.campaigns import CampaignAdmin
from referrals.admin.events import EventAdmin
from referrals.admin.imports import ImportAdmin
from referrals.admin.participants import ParticipantAdmin
from referrals.admin.referrals import ReferralAdmin

__all__ = [
    "CampaignAdmin",
    "EventAdmin",
    "ImportAdmin",
    "ParticipantAdmin",
    "ReferralAdmin",
]
