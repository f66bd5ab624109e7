"""One visit to a link."""

from typing import Any
from uuid import UUID

from django.db import models

from referral_factory.ids import Identified


class Click(Identified):
    """One visit to an advocate's link. Append-only, and dropped by retention.

    The table is partitioned by its UUIDv7 key. Nothing has a foreign key into it and
    it has none: what a referral needs of its click is copied onto the referral.
    """

    PREFIX = "clk"

    campaign_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    participant_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    created_at = models.DateTimeField()  # in the campaign's time
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=500, blank=True)
    parameters: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict
    )

    class Meta:
        indexes = [
            # For the counts of one advocate.
            models.Index(name="click_of_participant", fields=["participant_id"]),
            # For clicks over time on the dashboard.
            models.Index(name="click_over_time", fields=["campaign_id", "created_at"]),
        ]

    def __str__(self) -> str:
        return self.public_id
