"""What webhooks do, beyond telling, when something happens."""

from collections.abc import Sequence
from typing import Any

from referrals.erasure import Erasure
from webhooks.erasing import forget_person
from webhooks.sources.erasing import forget_arrivals


def on_participant_erased(erasures: Sequence[Erasure], **kwargs: Any) -> None:
    for erasure in erasures:
        forget_person(erasure)
        forget_arrivals(erasure)
