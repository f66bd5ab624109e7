"""What people earn, and whether they may have it."""

from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from referral_factory import money
from referral_factory.ids import Identified
from referral_factory.states import Stateful
from referrals.models import Campaign, Participant, Referral

BY_RULE = "review"  # who decided, where no person needed to


class Side(models.TextChoices):
    ADVOCATE = "advocate"
    FRIEND = "friend"


class Kind(models.TextChoices):
    FIXED = "fixed"  # an amount of money


class RewardRule(Identified):
    """What may be earned in a campaign. Retired rules stay for what they granted."""

    PREFIX = "rul"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="reward_rules")
    side = models.CharField(max_length=10, choices=Side)
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.FIXED)
    amount = models.DecimalField(
        max_digits=money.MAX_DIGITS, decimal_places=money.DECIMAL_PLACES
    )
    currency = models.CharField(max_length=3)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            # For the composite foreign keys that keep rows within one campaign.
            models.UniqueConstraint(
                name="rule_has_one_campaign", fields=["campaign", "id"]
            ),
            models.CheckConstraint(
                name="rule_amount_is_positive", condition=Q(amount__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{money.for_people(self.amount, self.currency)} to the {self.side}"


class RewardRuleVersion(models.Model):
    """A rule as it was from one change to the next. Never updated."""

    rule = models.ForeignKey(RewardRule, models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    terms: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField()
    made_by = models.CharField(max_length=80)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="rule_version_is_kept_once", fields=["rule", "version"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} v{self.version}"


class RewardQuerySet(models.QuerySet["Reward"]):
    def awaiting_review(self) -> Self:
        """Rewards that nobody and nothing has looked at yet."""
        return self.filter(status=Reward.Status.PENDING)

    def in_queue(self) -> Self:
        """Flagged rewards, oldest first: what a person should look at next."""
        return self.filter(status=Reward.Status.FLAGGED).order_by("id")

    def disputed(self) -> Self:
        """Issued rewards whose referral no longer counts: a person must look."""
        return self.filter(status=Reward.Status.ISSUED, disputed_at__isnull=False)


class Reward(Identified, Stateful):
    """What one participant earned for one referral."""

    PREFIX = "rwd"

    class Status(models.TextChoices):
        PENDING = "pending"  # granted; review follows at once
        FLAGGED = "flagged"  # waits for a person, for the reasons given
        APPROVED = "approved"  # may be issued
        REJECTED = "rejected"  # a person said no
        WAITING = "waiting"  # for room under a cap, a coupon, a minimum payout
        ISSUING = "issuing"  # being handed over
        ISSUED = "issued"  # handed over
        FAILED = "failed"  # handing over did not work
        CANCELLED = "cancelled"  # ended before it was issued
        CLAWED_BACK = "clawed_back"  # taken back after it was issued

    TRANSITIONS = {
        Status.PENDING: {
            Status.FLAGGED,
            Status.APPROVED,
            Status.WAITING,
            Status.CANCELLED,
        },
        Status.FLAGGED: {Status.APPROVED, Status.REJECTED, Status.CANCELLED},
        Status.REJECTED: {Status.FLAGGED},
        Status.APPROVED: {
            Status.FLAGGED,
            Status.ISSUING,
            Status.WAITING,
            Status.CANCELLED,
        },
        Status.WAITING: {Status.PENDING, Status.APPROVED, Status.CANCELLED},
        Status.ISSUING: {Status.ISSUED, Status.FAILED},
        Status.FAILED: {Status.ISSUING, Status.CANCELLED},
        Status.ISSUED: {Status.CLAWED_BACK},
        Status.CANCELLED: {Status.PENDING},
    }

    # That these exist, in this campaign, is for the keys of both columns to see to:
    # see campaign_keys.py. The index of the first is reward_by_status, of the second
    # reward_is_granted_once.
    campaign = models.ForeignKey(
        Campaign,
        models.PROTECT,
        related_name="rewards",
        db_index=False,
        db_constraint=False,
    )
    referral = models.ForeignKey(
        Referral,
        models.PROTECT,
        related_name="rewards",
        db_index=False,
        db_constraint=False,
    )
    rule = models.ForeignKey(
        RewardRule, models.PROTECT, related_name="rewards", db_constraint=False
    )
    rule_version = models.PositiveIntegerField()
    recipient = models.ForeignKey(
        Participant, models.PROTECT, related_name="rewards", db_constraint=False
    )
    side = models.CharField(max_length=10, choices=Side)
    occurrence = models.PositiveIntegerField(default=1)
    kind = models.CharField(max_length=12, choices=Kind)
    amount = models.DecimalField(
        max_digits=money.MAX_DIGITS, decimal_places=money.DECIMAL_PLACES
    )
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    # Why it was flagged: [{"code", "detail", "evidence": {}}]
    reasons: "models.JSONField[list[dict[str, Any]], list[dict[str, Any]]]" = (
        models.JSONField(default=list)
    )
    # Who decided, as "key:key_..." or "user:name"; a rule of review writes "review".
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_note = models.CharField(max_length=500, blank=True)
    first_approver = models.CharField(max_length=80, blank=True)
    second_approver = models.CharField(max_length=80, blank=True)
    reference = models.CharField(max_length=200, blank=True)  # of the hand-over
    # Set when an issued reward's referral stopped counting: a person must look.
    disputed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    available_at = models.DateTimeField()
    issued_by = models.CharField(max_length=80, blank=True)
    issued_at = models.DateTimeField(null=True, blank=True)

    objects = RewardQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("review_reward", "Can approve and reject rewards"),
            ("issue_reward", "Can issue, cancel and claw back rewards"),
        ]
        constraints = [
            # No condition: also a cancelled reward is never granted a second time.
            models.UniqueConstraint(
                name="reward_is_granted_once",
                fields=["referral", "rule", "recipient", "occurrence"],
            ),
            models.CheckConstraint(
                name="reward_amount_is_positive", condition=Q(amount__gt=0)
            ),
            models.CheckConstraint(
                name="reward_money_has_its_currency", condition=~Q(currency="")
            ),
            models.CheckConstraint(
                name="flagged_reward_has_reasons",
                condition=~Q(status="flagged") | ~Q(reasons=[]),
            ),
            models.CheckConstraint(
                name="decided_reward_says_who_and_when",
                condition=~Q(status__in=["approved", "rejected", "issuing", "issued"])
                | (~Q(decided_by="") & Q(decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="issued_reward_says_by_whom_and_when",
                condition=~Q(status__in=["issued", "clawed_back"])
                | (Q(issued_at__isnull=False) & ~Q(issued_by="")),
            ),
            models.CheckConstraint(
                name="two_approvers_are_two_people",
                condition=Q(second_approver="")
                | ~Q(second_approver=F("first_approver")),
            ),
        ]
        indexes = [
            # For review_rewards, which reads nothing but pending rows.
            models.Index(
                name="reward_to_review", fields=["id"], condition=Q(status="pending")
            ),
            # For the review queue, oldest first.
            models.Index(
                name="reward_in_queue", fields=["id"], condition=Q(status="flagged")
            ),
            # For what is due to be issued, and the dashboard.
            models.Index(name="reward_by_status", fields=["campaign", "status", "id"]),
            models.Index(name="reward_issued_on", fields=["campaign", "issued_at"]),
            # For what was issued and no longer should have been.
            models.Index(
                name="reward_disputed",
                fields=["id"],
                condition=Q(status="issued", disputed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{money.for_people(self.amount, self.currency)} for {self.recipient}"

    def flag(self, *, reasons: list[dict[str, Any]]) -> None:
        self.move_to(self.Status.FLAGGED, reasons=reasons)

    def approve(
        self, *, by: str, now: datetime, note: str = "", **changes: Any
    ) -> None:
        self.move_to(
            self.Status.APPROVED,
            decided_by=by,
            decided_at=now,
            decision_note=note,
            **changes,
        )

    def reject(self, *, by: str, now: datetime, note: str) -> None:
        self.move_to(
            self.Status.REJECTED, decided_by=by, decided_at=now, decision_note=note
        )

    def start_issuing(self) -> None:
        self.move_to(self.Status.ISSUING)

    def finish_issuing(self, *, now: datetime, reference: str, issued_by: str) -> None:
        self.move_to(
            self.Status.ISSUED, issued_at=now, reference=reference, issued_by=issued_by
        )

    def cancel(self, *, note: str, **changes: Any) -> None:
        self.move_to(self.Status.CANCELLED, decision_note=note, **changes)

    def claw_back(self, *, by: str, now: datetime, note: str) -> None:
        self.move_to(
            self.Status.CLAWED_BACK, decided_by=by, decided_at=now, decision_note=note
        )


class FlaggedReward(Reward):
    """A reward as the review queue shows it: the same row, with a page of its own."""

    class Meta:
        proxy = True
        default_permissions = ()  # those of Reward hold
        verbose_name = "reward in review"
        verbose_name_plural = "rewards in review"
