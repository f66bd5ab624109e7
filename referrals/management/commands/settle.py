"""Do what time asks for, once."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from referrals.services.referrals import expire_referrals, qualify_held_referrals
from referrals.telling import settled_in_words

BATCH = 500


class Command(BaseCommand):
    help = (
        "Ends the holding periods and the windows that are over. The worker does it "
        "every second; this is for cron, where none runs. Safe to run at any time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        qualified = _all(qualify_held_referrals)
        expired = _all(expire_referrals)
        said = settled_in_words(qualified=qualified, expired=expired)
        self.stdout.write(f"{said}.")


def _all(sweep: Callable[..., int]) -> int:
    total = 0
    while done := sweep(wall=timezone.now(), limit=BATCH):
        total += done
    return total
