"""What is to be mailed, and in whose words."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from referral_factory.ids import Identified
from referral_factory.states import Stateful
from referrals.models import Campaign, Participant


class Kind(models.TextChoices):
    CONFIRMATION = "confirmation"  # asks a mailbox whether it is theirs
    WELCOME = "welcome"  # their link, once they are enrolled
    REWARD = "reward"  # a reward of theirs was issued


class Audience(models.TextChoices):
    """Whom of a campaign we may write to. A confirmation goes to whoever asks."""

    NOBODY = "nobody"
    JOINED = "joined", "Who joined on our page"
    EVERYBODY = "everybody", "Everybody, also from your backend and imports"


class EmailTemplate(Identified):
    """A campaign's own wording of a kind, and who gets it. No row: ours, `joined`."""

    PREFIX = "emt"

    campaign = models.ForeignKey(
        Campaign, models.PROTECT, related_name="email_templates"
    )
    kind = models.CharField(max_length=20, choices=Kind)
    audience = models.CharField(
        max_length=12, choices=Audience, default=Audience.JOINED
    )
    subject = models.CharField(max_length=200, blank=True)  # empty: ours
    body = models.TextField(max_length=5000, blank=True)  # empty: ours
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        verbose_name = "e-mail text"
        constraints = [
            models.UniqueConstraint(
                name="one_email_template_per_campaign_and_kind",
                fields=["campaign", "kind"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.campaign}"


class EmailQuerySet(models.QuerySet["Email"]):
    def due(self, wall: datetime) -> Self:
        """To be sent now, and held by nobody; what people wait for comes first."""
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=wall)
        rows = self.filter(free, status=Email.Status.PENDING, due_at__lte=wall)
        return rows.order_by("-urgent", "due_at")


class Email(Identified, Stateful):
    """A message to somebody. It holds no word of it: it is written when it is sent,
    from what is true then, so that nothing of an erased person is left here."""

    PREFIX = "eml"

    class Status(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"  # the mail server has taken it
        FAILED = "failed"  # it was refused for good, or too often
        DROPPED = "dropped"  # by then there was nobody to send it to

    TRANSITIONS = {
        Status.PENDING: {Status.SENT, Status.FAILED, Status.DROPPED},
        Status.FAILED: {Status.PENDING},
    }

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="emails")
    kind = models.CharField(max_length=20, choices=Kind)
    about = models.UUIDField()  # the join request, the participant or the reward
    # Nobody yet, for a confirmation.
    participant = models.ForeignKey(
        Participant, models.PROTECT, null=True, blank=True, related_name="emails"
    )
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    urgent = models.BooleanField(default=False)  # somebody waits for it
    # That of the page on which it came about; empty: the installation's.
    language = models.CharField(max_length=10, blank=True, default="", db_default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    # Why it was not sent: never what the server said, which may name the mailbox.
    error = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = EmailQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "e-mail"
        constraints = [
            models.UniqueConstraint(
                name="email_is_written_once", fields=["kind", "about"]
            ),
            models.CheckConstraint(
                name="finished_email_says_when",
                condition=Q(status="pending") | Q(finished_at__isnull=False),
            ),
        ]
        indexes = [
            # For send_emails, which reads nothing but pending rows.
            models.Index(
                name="email_due",
                fields=["-urgent", "due_at"],
                condition=Q(status="pending"),
            ),
            # For the purge of what was finished long ago.
            models.Index(
                name="email_finished",
                fields=["finished_at"],
                condition=Q(finished_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.public_id}"


class Outage(models.Model):
    """The mail server does not let us in. One row while it lasts, and none after."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    since = models.DateTimeField()
    until = models.DateTimeField()  # when one of us looks again
    failures = models.PositiveIntegerField(default=1)
    error = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.CheckConstraint(name="there_is_one_outage", condition=Q(id=1))
        ]

    def __str__(self) -> str:
        return f"since {self.since:%Y-%m-%d %H:%M} UTC: {self.error}"
