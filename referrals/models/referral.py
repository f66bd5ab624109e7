"""One friend, credited to one advocate."""

from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from referral_factory.ids import Identified
from referral_factory.states import Stateful
from referrals.models.campaign import Campaign, campaign_now
from referrals.models.participant import Participant

BY_RULE = "rules"  # who decided, where no person did


class ReferralQuerySet(models.QuerySet["Referral"]):
    def overdue(self, wall: datetime) -> Self:
        """Pending referrals whose friend ran out of time, by their campaign's clock."""
        return self.filter(
            status=Referral.Status.PENDING, expires_at__lte=campaign_now(wall)
        )

    def held_long_enough(self, wall: datetime) -> Self:
        """Holding referrals whose period is over, by their campaign's clock."""
        return self.filter(
            status=Referral.Status.HOLDING, holds_until__lte=campaign_now(wall)
        )


class Referral(Identified, Stateful):
    """One friend, credited to one advocate."""

    PREFIX = "ref"

    class Status(models.TextChoices):
        PENDING = "pending"  # the friend has not reached the milestone yet
        HOLDING = "holding"  # reached, and waiting out the holding period
        QUALIFIED = "qualified"  # it counts, and rewards are due
        DISQUALIFIED = "disqualified"  # it does not count, for a stated reason
        EXPIRED = "expired"  # the friend ran out of time

    TRANSITIONS = {
        Status.PENDING: {
            Status.HOLDING,
            Status.QUALIFIED,
            Status.DISQUALIFIED,
            Status.EXPIRED,
        },
        Status.HOLDING: {Status.QUALIFIED, Status.DISQUALIFIED, Status.PENDING},
        Status.QUALIFIED: {Status.DISQUALIFIED},
        Status.DISQUALIFIED: {Status.PENDING},
    }

    class Way(models.TextChoices):
        """How we know the advocate, strongest first."""

        PARTICIPANT = "participant"  # named outright: by id,
        EXTERNAL_ID = "external_id"  # by your own id,
        EMAIL = "email"  # or by mailbox
        CLICK = "click"  # the id that the link added to the landing page
        CODE = "code"  # the code that the friend gave
        INVITATION = "invitation"  # the advocate had named their mailbox beforehand
        COOKIE = "cookie"  # the signed cookie that the link left in their browser

    # That these exist, in this campaign, is for the keys of both columns to see to:
    # see campaign_keys.py. The index of the first is that of
    # one_referral_per_friend_and_campaign, of the second referral_of_advocate.
    campaign = models.ForeignKey(
        Campaign,
        models.PROTECT,
        related_name="referrals",
        db_index=False,
        db_constraint=False,
    )
    advocate = models.ForeignKey(
        Participant,
        models.PROTECT,
        related_name="referrals",
        db_index=False,
        db_constraint=False,
    )
    friend = models.ForeignKey(
        Participant, models.PROTECT, related_name="referred_by", db_constraint=False
    )
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    way = models.CharField(max_length=20, choices=Way)
    reason = models.CharField(max_length=500, blank=True)  # of the last status
    decided_by = models.CharField(  # and whose it was
        max_length=80, blank=True, default="", db_default=""
    )

    # What speaks against the credit without refusing it: [{"code", "detail"}].
    marks: "models.JSONField[list[dict[str, Any]], list[dict[str, Any]]]" = (
        models.JSONField(default=list, db_default=[], blank=True)
    )
    # The ordered checks with what each saw, and the rules that they were made with.
    decision: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict, db_default={}, blank=True
    )

    # Copied from the click, which retention drops.
    click_id = models.UUIDField(null=True, blank=True)
    clicked_at = models.DateTimeField(null=True, blank=True)
    click_address = models.GenericIPAddressField(null=True, blank=True)
    click_user_agent = models.CharField(max_length=500, blank=True)

    milestone_event = models.ForeignKey(
        "referrals.Event",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    holds_until = models.DateTimeField(null=True, blank=True)
    qualified_at = models.DateTimeField(null=True, blank=True)
    disqualified_at = models.DateTimeField(null=True, blank=True)

    objects = ReferralQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="one_referral_per_friend_and_campaign",
                fields=["campaign", "friend"],
            ),
            # For the composite foreign keys that keep rows within one campaign.
            models.UniqueConstraint(
                name="referral_has_one_campaign", fields=["campaign", "id"]
            ),
            models.CheckConstraint(
                name="referral_is_not_to_self", condition=~Q(advocate=F("friend"))
            ),
            models.CheckConstraint(
                name="holding_referral_says_until_when",
                condition=~Q(status="holding") | Q(holds_until__isnull=False),
            ),
            models.CheckConstraint(
                name="qualified_referral_has_a_date",
                condition=~Q(status="qualified") | Q(qualified_at__isnull=False),
            ),
            models.CheckConstraint(
                name="disqualified_referral_says_when_and_why",
                condition=~Q(status="disqualified")
                | (Q(disqualified_at__isnull=False) & ~Q(reason="")),
            ),
        ]
        indexes = [
            # For expire_referrals, which reads nothing but pending rows.
            models.Index(
                name="referral_pending_expiry",
                fields=["expires_at"],
                condition=Q(status="pending"),
            ),
            # For qualify_held_referrals, which reads nothing but holding rows.
            models.Index(
                name="referral_held",
                fields=["holds_until"],
                condition=Q(status="holding"),
            ),
            # For somebody's referrals, in their order.
            models.Index(name="referral_of_advocate", fields=["advocate", "id"]),
            # For referred friends over time on the dashboard.
            models.Index(name="referral_made", fields=["campaign", "created_at"]),
            models.Index(
                name="referral_qualified_on", fields=["campaign", "qualified_at"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.advocate} → {self.friend}"

    def qualify(
        self, *, now: datetime, by: str = BY_RULE, reason: str = "", **changes: Any
    ) -> None:
        self.move_to(
            self.Status.QUALIFIED,
            qualified_at=now,
            reason=reason,
            decided_by=by,
            **changes,
        )

    def disqualify(self, *, now: datetime, reason: str, by: str = BY_RULE) -> None:
        self.move_to(
            self.Status.DISQUALIFIED,
            disqualified_at=now,
            reason=reason,
            decided_by=by,
        )

    def reopen(self, *, reason: str, by: str = BY_RULE, **changes: Any) -> None:
        """Back to pending: by a refund that leaves too little, or by a person."""
        self.move_to(
            self.Status.PENDING,
            holds_until=None,
            qualified_at=None,
            disqualified_at=None,
            milestone_event_id=None,
            reason=reason,
            decided_by=by,
            **changes,
        )
