"""What rewards do when a referral counts, or no longer does."""

from collections.abc import Sequence
from typing import Any

from referrals.erasure import Erasure
from referrals.models import Participant, Referral
from rewards.services.erasing import forget_person
from rewards.services.granting import (
    grant_rewards,
    move_rewards,
    take_back_rewards,
)


def on_referral_qualified(instances: list[Referral], **kwargs: Any) -> None:
    grant_rewards(instances)


def on_referral_disqualified(instances: list[Referral], **kwargs: Any) -> None:
    take_back_rewards(instances)


def on_participant_erased(erasures: Sequence[Erasure], **kwargs: Any) -> None:
    for erasure in erasures:
        forget_person(erasure)


def on_participant_merged(instances: list[Participant], **kwargs: Any) -> None:
    move_rewards(instances)
