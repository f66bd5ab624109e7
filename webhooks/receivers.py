"""What webhooks do, beyond telling, when something happens."""

from collections.abc import Sequence
from typing import Any

from referrals.erasure import Erasure
from referrals.models import Campaign
from webhooks.erasing import forget_person
from webhooks.sources.erasing import forget_arrivals
from webhooks.sources.services import copy_sources


def on_participant_erased(erasures: Sequence[Erasure], **kwargs: Any) -> None:
    for erasure in erasures:
        forget_person(erasure)
        forget_arrivals(erasure)


def on_campaign_copied(
    instances: list[Campaign], copied_from: Campaign, **kwargs: Any
) -> None:
    for campaign in instances:
        copy_sources(copied_from, campaign)
