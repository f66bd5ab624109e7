"""Doors to campaigns, participants and referrals."""

from referrals.api.campaigns import CampaignViewSet, VersionViewSet
from referrals.api.claims import InvitationViewSet, RefusedClaimViewSet
from referrals.api.imports import ImportViewSet
from referrals.api.participants import ParticipantViewSet
from referrals.api.referrals import ReferralViewSet

__all__ = [
    "CampaignViewSet",
    "ImportViewSet",
    "InvitationViewSet",
    "ParticipantViewSet",
    "ReferralViewSet",
    "RefusedClaimViewSet",
    "VersionViewSet",
]
