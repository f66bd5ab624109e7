"""What was said about who referred whom, beside the referrals themselves."""

from typing import Any

from django.db import models
from django.utils import timezone

from referral_factory.ids import Identified
from referrals.models.campaign import Campaign
from referrals.models.participant import Participant
from referrals.models.referral import Referral


class Invitation(Identified):
    """A mailbox that an advocate named beforehand as a friend's."""

    PREFIX = "inv"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="invitations")
    advocate = models.ForeignKey(
        Participant, models.PROTECT, related_name="invitations"
    )
    email = models.CharField(max_length=254)
    email_canonical = models.CharField(max_length=254, editable=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="one_invitation_per_advocate_and_mailbox",
                fields=["advocate", "email_canonical"],
            )
        ]
        indexes = [
            # For whoever enrols with the mailbox: the first invitation wins.
            models.Index(
                name="invitation_of_mailbox",
                fields=["campaign", "email_canonical", "created_at"],
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class RefusedClaim(Identified):
    """A claim to have referred somebody that was not credited, and why.

    Once per friend, way, value and reason: a repeated claim changes nothing.
    """

    PREFIX = "clm"

    campaign = models.ForeignKey(
        Campaign, models.PROTECT, related_name="refused_claims"
    )
    friend = models.ForeignKey(
        Participant, models.PROTECT, related_name="refused_claims"
    )
    # Whom the claim led to; nobody for one that led nowhere.
    advocate = models.ForeignKey(
        Participant, models.PROTECT, null=True, blank=True, related_name="+"
    )
    way = models.CharField(max_length=20, choices=Referral.Way)
    value = models.CharField(max_length=500)  # as it was given
    reason = models.CharField(max_length=40)  # the code of the rule that refused it
    detail = models.CharField(max_length=500)
    # The ordered checks with what each saw, and the rules that they were made with.
    decision: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict
    )
    created_at = models.DateTimeField(default=timezone.now)  # in the campaign's time

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="claim_is_refused_once",
                fields=["friend", "way", "value", "reason"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.way}: {self.reason}"
