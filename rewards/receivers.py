"""What rewards do when a referral counts, or no longer does."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from referrals.erasure import Erasure
from referrals.models import Campaign, Participant, Referral
from rewards.services.doubting import doubt_rewards
from rewards.services.erasing import forget_person
from rewards.services.granting import (
    grant_rewards,
    move_rewards,
    take_back_rewards,
)
from rewards.services.rules import copy_rules


def on_referral_qualified(instances: list[Referral], **kwargs: Any) -> None:
    grant_rewards(instances)


def on_referral_disqualified(instances: list[Referral], **kwargs: Any) -> None:
    take_back_rewards(instances)


def on_referral_reversed(
    reasons: Mapping[UUID, str], now: datetime, **kwargs: Any
) -> None:
    doubt_rewards(reasons, now=now)


def on_campaign_copied(
    instances: list[Campaign], copied_from: Campaign, by: str, **kwargs: Any
) -> None:
    for campaign in instances:
        copy_rules(copied_from, campaign, by=by)


def on_participant_erased(erasures: Sequence[Erasure], **kwargs: Any) -> None:
    for erasure in erasures:
        forget_person(erasure)


def on_participant_merged(instances: list[Participant], **kwargs: Any) -> None:
    move_rewards(instances)
