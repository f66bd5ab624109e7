"""An offer that people can share, and the milestone that makes a referral count."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from referral_factory import money
from referral_factory.ids import Identified
from referral_factory.states import Stateful


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def judging(self) -> Self:
        """Campaigns whose events are judged and whose periods run: all but drafts."""
        return self.exclude(status=Campaign.Status.DRAFT)


class Campaign(Identified, Stateful):
    """An offer that people can share."""

    PREFIX = "cmp"

    class Mode(models.TextChoices):
        LIVE = "live"
        TEST = "test"  # has a clock of its own, and its own API keys

    class Status(models.TextChoices):
        DRAFT = "draft"  # being set up: nobody can be enrolled
        LIVE = "live"
        PAUSED = "paused"  # links redirect and events are judged, nobody new joins
        ENDED = "ended"  # as paused, and what is pending runs out its window

    class ReversalPolicy(models.TextChoices):
        TAKE_BACK = "take_back"  # disqualify it, cancel what was not issued yet
        ASK = "ask"  # it stays; a person looks at each of its rewards
        KEEP = "keep"  # what qualified stays qualified, and so do its rewards

    TRANSITIONS = {
        Status.DRAFT: {Status.LIVE},
        Status.LIVE: {Status.PAUSED, Status.ENDED},
        Status.PAUSED: {Status.LIVE, Status.ENDED},
    }

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=80, unique=True)
    mode = models.CharField(max_length=4, choices=Mode)
    status = models.CharField(max_length=20, choices=Status, default=Status.DRAFT)
    owner = models.CharField(max_length=254, blank=True)  # who answers for it
    currency = models.CharField(max_length=3)
    landing_url = models.URLField(max_length=2000, blank=True)

    milestone_event = models.CharField(max_length=100, blank=True)
    milestone_minimum = models.DecimalField(
        max_digits=money.MAX_DIGITS,
        decimal_places=money.DECIMAL_PLACES,
        null=True,
        blank=True,
    )
    # An expression that has to be true of the event: see conditions.py.
    milestone_condition = models.TextField(blank=True, default="", db_default="")
    # How many such events it takes, or how much in all; else the first one does.
    milestone_count = models.PositiveIntegerField(null=True, blank=True)
    milestone_sum = models.DecimalField(
        max_digits=money.MAX_DIGITS,
        decimal_places=money.DECIMAL_PLACES,
        null=True,
        blank=True,
    )
    milestone_within_days = models.PositiveSmallIntegerField(default=90)
    holding_days = models.PositiveSmallIntegerField(default=0)
    attribution_days = models.PositiveSmallIntegerField(default=30)
    match_days = models.PositiveSmallIntegerField(
        default=7
    )  # how early an event may be
    reversal_events = ArrayField(
        models.CharField(max_length=100), default=list, blank=True
    )
    # What becomes of a referral that qualified, when its milestone is taken back.
    reversal_policy = models.CharField(
        max_length=12,
        choices=ReversalPolicy,
        default=ReversalPolicy.TAKE_BACK,
        db_default=ReversalPolicy.TAKE_BACK,
    )
    version = models.PositiveIntegerField(default=1)  # of the rules above
    review: "models.JSONField[dict[str, Any] | None, dict[str, Any] | None]" = (
        models.JSONField(null=True, blank=True)  # {"amount_limit": "50.00"}
    )

    # What the enrolment page asks beside name and mailbox: see joining.py.
    fields: "models.JSONField[list[dict[str, Any]], list[dict[str, Any]]]" = (
        models.JSONField(default=list, db_default=[], blank=True)
    )
    # The enrolment page: {"open", "confirm_email", "heading", "text"}.
    join: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict, db_default={}, blank=True, db_column="join_page"
    )

    clock_offset = models.DurationField(default=timedelta)
    created_at = models.DateTimeField(default=timezone.now)
    launched_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="only_a_test_campaign_has_its_own_clock",
                condition=Q(mode="test") | Q(clock_offset=timedelta()),
            ),
            models.CheckConstraint(
                name="campaign_that_ran_says_since_when",
                condition=Q(status="draft") | Q(launched_at__isnull=False),
            ),
            models.CheckConstraint(
                name="ended_campaign_says_when",
                condition=~Q(status="ended") | Q(ended_at__isnull=False),
            ),
            models.CheckConstraint(
                name="milestone_minimum_is_not_negative",
                condition=Q(milestone_minimum__isnull=True)
                | Q(milestone_minimum__gte=Decimal(0)),
            ),
            models.CheckConstraint(
                name="milestone_asks_for_a_count_or_a_sum",
                condition=Q(milestone_count__isnull=True)
                | Q(milestone_sum__isnull=True),
            ),
            models.CheckConstraint(
                name="milestone_count_is_positive",
                condition=Q(milestone_count__isnull=True) | Q(milestone_count__gt=0),
            ),
            models.CheckConstraint(
                name="milestone_sum_is_positive",
                condition=Q(milestone_sum__isnull=True)
                | Q(milestone_sum__gt=Decimal(0)),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def now(self, wall: datetime | None = None) -> datetime:
        """The time in this campaign: the wall clock's, moved by a test mode offset."""
        return (wall or timezone.now()) + self.clock_offset

    def launch(self, *, now: datetime) -> None:
        self.move_to(self.Status.LIVE, launched_at=now)

    def pause(self) -> None:
        self.move_to(self.Status.PAUSED)

    def resume(self) -> None:
        self.move_to(self.Status.LIVE)

    def end(self, *, now: datetime) -> None:
        self.move_to(self.Status.ENDED, ended_at=now)


def campaign_now(wall: datetime, path: str = "campaign__") -> Any:
    """The campaign's time as an SQL expression, for sweeps over many campaigns."""
    return models.ExpressionWrapper(
        models.Value(wall) + F(f"{path}clock_offset"),
        output_field=models.DateTimeField(),
    )
