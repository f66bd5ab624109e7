"""A person in a campaign."""

import secrets
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone

from referral_factory.ids import Identified
from referral_factory.states import Stateful
from referrals.models.campaign import Campaign

# Crockford's base32: no I, L, O, U, so that a code can be read out on the telephone.
CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 10  # 50 bits: years of guessing for one hit


# Each of the 256 bytes stands for one of the 32 letters, all equally often.
LETTERS = (CODE_ALPHABET * 8).encode()


def new_code() -> str:
    return secrets.token_bytes(CODE_LENGTH).translate(LETTERS).decode()


class Participant(Identified, Stateful):
    """A person in a campaign: an advocate, a friend, or both at once."""

    PREFIX = "ptc"

    class Status(models.TextChoices):
        ACTIVE = "active"
        BLOCKED = "blocked"  # may neither refer nor be rewarded
        ERASED = "erased"  # the person is gone, the books stay

    class Source(models.TextChoices):
        """The way they came in by."""

        API = "api", "Your backend"
        JOIN = "join", "The enrolment page"
        IMPORT = "import", "An import"

    TRANSITIONS = {
        Status.ACTIVE: {Status.BLOCKED, Status.ERASED},
        Status.BLOCKED: {Status.ACTIVE, Status.ERASED},
    }

    campaign = models.ForeignKey(  # its index is that of participant_has_one_campaign
        Campaign, models.PROTECT, related_name="participants", db_index=False
    )
    external_id = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 - unique where given
    email = models.CharField(max_length=254, null=True, blank=True)  # noqa: DJ001 - unique where given
    email_canonical = models.CharField(  # noqa: DJ001 - unique where given
        max_length=254, null=True, blank=True, editable=False
    )
    name = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.ACTIVE)
    code = models.CharField(max_length=40, unique=True, default=new_code)
    attributes: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict, blank=True
    )
    source = models.CharField(max_length=40, default="api")  # a Source
    address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=500, blank=True)
    customer_since = models.DateTimeField(null=True, blank=True)
    # When they answered a message to the mailbox: it is theirs.
    confirmed_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)
    # The row that this one turned out to be the same person as.
    merged_into = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="merged",
        db_constraint=False,  # the one with the campaign says it, too
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="one_participant_per_mailbox_and_campaign",
                fields=["campaign", "email_canonical"],
                opclasses=["uuid_ops", "varchar_pattern_ops"],  # also by its beginning
            ),
            models.UniqueConstraint(
                name="one_participant_per_external_id_and_campaign",
                fields=["campaign", "external_id"],
                opclasses=["uuid_ops", "varchar_pattern_ops"],
            ),
            # For the composite foreign keys that keep rows within one campaign.
            models.UniqueConstraint(
                name="participant_has_one_campaign", fields=["campaign", "id"]
            ),
            models.CheckConstraint(
                name="participant_can_be_told_apart",
                condition=Q(status="erased")
                | Q(email_canonical__isnull=False)
                | Q(external_id__isnull=False),
            ),
            models.CheckConstraint(
                name="email_has_its_canonical_form",
                condition=Q(email__isnull=True, email_canonical__isnull=True)
                | Q(email__isnull=False, email_canonical__isnull=False),
            ),
            models.CheckConstraint(
                name="erased_participant_has_no_personal_data",
                condition=~Q(status="erased")
                | Q(
                    erased_at__isnull=False,
                    email__isnull=True,
                    external_id__isnull=True,
                    name="",
                    attributes={},
                    address__isnull=True,
                    user_agent="",
                ),
            ),
            models.CheckConstraint(
                name="merged_participant_is_erased",
                condition=Q(merged_into__isnull=True) | Q(status="erased"),
            ),
        ]
        indexes = [
            # For filters by attributes: containment.
            GinIndex(
                name="participant_attributes",
                fields=["attributes"],
                opclasses=["jsonb_path_ops"],
            ),
            # For enrolments over time: the dashboard's first number.
            models.Index(
                name="participant_enrolled", fields=["campaign", "created_at"]
            ),
            # For the list in the admin, newest first: all, of one source, and those
            # few that are not active or have confirmed their mailbox.
            models.Index(name="participant_enrolled_at", fields=["created_at", "id"]),
            models.Index(
                name="participant_of_source", fields=["source", "created_at", "id"]
            ),
            models.Index(
                name="participant_not_active",
                fields=["status", "created_at", "id"],
                condition=~Q(status="active"),
            ),
            models.Index(
                name="participant_confirmed",
                fields=["created_at", "id"],
                condition=Q(confirmed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email or self.external_id or self.public_id

    @property
    def link(self) -> str:
        return f"{settings.PUBLIC_URL}/r/{self.code}"

    def block(self) -> None:
        self.move_to(self.Status.BLOCKED)

    def unblock(self) -> None:
        self.move_to(self.Status.ACTIVE)

    def was_customer(self, at: datetime) -> bool:
        return self.customer_since is not None and self.customer_since < at


class FormerCode(models.Model):
    """A code that somebody had before. It never becomes anybody else's."""

    code = models.CharField(max_length=40, primary_key=True)
    participant = models.ForeignKey(
        Participant, models.PROTECT, related_name="former_codes"
    )
    works = models.BooleanField()  # whether links with it still lead somewhere
    retired_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.code


class Tombstone(models.Model):
    """A keyed hash of a name that an erased person had: see services/erasing.py.

    It says that somebody of this name was here, and nothing else about them.
    """

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)  # HMAC-SHA256, in hexadecimal
    erased_at = models.DateTimeField(default=timezone.now)  # by the wall clock

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_tombstone_per_name_and_campaign",
                fields=["campaign", "digest"],
            )
        ]

    def __str__(self) -> str:
        return self.digest[:8]
