"""What people agreed to, and enrolments that wait for their mailbox to answer."""

from typing import Any

from django.db import models
from django.utils import timezone

from referral_factory.ids import Identified
from referrals.models.campaign import Campaign
from referrals.models.participant import Participant


class ConsentText(models.Model):
    """What an enrolment page asks people to agree to. A change is a new version."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="consent_texts")
    version = models.PositiveIntegerField()
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_consent_text_per_version", fields=["campaign", "version"]
            )
        ]

    def __str__(self) -> str:
        return f"version {self.version}"


class Consent(models.Model):
    """Somebody agreed to a text, in the words that it had then."""

    participant = models.ForeignKey(
        Participant, models.PROTECT, related_name="consents"
    )
    text = models.ForeignKey(ConsentText, models.PROTECT, related_name="consents")
    given_at = models.DateTimeField(default=timezone.now)  # by the wall clock
    address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_consent_per_person_and_text", fields=["participant", "text"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.participant_id} agreed to {self.text_id}"


class JoinRequest(Identified):
    """What somebody filled in on an enrolment page, until their mailbox answers.

    Dropped when it was confirmed, when it has expired, and when they are erased.
    """

    PREFIX = "jrq"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="join_requests")
    email = models.CharField(max_length=254)
    email_canonical = models.CharField(max_length=254, editable=False)
    name = models.CharField(max_length=200, blank=True)
    attributes: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict
    )
    # Who is said to have referred them: [{"way", "value"}], strongest first.
    claims: "models.JSONField[list[dict[str, str]], list[dict[str, str]]]" = (
        models.JSONField(default=list)
    )
    consent_text = models.ForeignKey(
        ConsentText, models.PROTECT, null=True, blank=True, related_name="+"
    )
    address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)  # by the wall clock
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            # For erasing a person.
            models.Index(
                name="join_request_of_mailbox", fields=["campaign", "email_canonical"]
            ),
            # For the sweep that drops what nobody confirmed.
            models.Index(name="join_request_expiry", fields=["expires_at"]),
        ]

    def __str__(self) -> str:
        return self.public_id
