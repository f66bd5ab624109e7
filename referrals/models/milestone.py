"""The rules of a campaign from one change to the next. Never updated."""

from typing import Any

from django.db import models
from django.utils import timezone

from referrals.models.campaign import Campaign


class MilestoneVersion(models.Model):
    """What made a referral count, as it was at one version of the campaign.

    Decisions keep the number: an explanation shows the rules that it was made with,
    whatever they were changed to afterwards.
    """

    campaign = models.ForeignKey(  # its index is the constraint's
        Campaign, models.PROTECT, related_name="milestone_versions", db_index=False
    )
    version = models.PositiveIntegerField()
    terms: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField()
    made_by = models.CharField(max_length=80)  # "key:key_..." or "user:name"
    made_at = models.DateTimeField(default=timezone.now)  # by the wall clock

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(
                name="milestone_version_is_kept_once", fields=["campaign", "version"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} v{self.version}"
