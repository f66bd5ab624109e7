"""Visits to links."""

from datetime import datetime
from typing import Any

from referrals.models import Click, Participant


def record_click(
    participant: Participant,
    *,
    address: str | None,
    user_agent: str,
    parameters: dict[str, Any],
    wall: datetime,
) -> Click:
    """Keep a visit to an advocate's link: one INSERT, committed before the redirect."""
    return Click.objects.create(
        campaign_id=participant.campaign_id,
        participant_id=participant.pk,
        created_at=participant.campaign.now(wall),
        address=address,
        user_agent=user_agent[:500],
        parameters=parameters,
    )
