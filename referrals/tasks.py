"""Sweeps that time asks for. Each finds its own work and is safe to run twice."""

from celery import shared_task
from django.utils import timezone

from referrals.services.referrals import expire_referrals, qualify_held_referrals

BATCH = 500


@shared_task(name="referrals.tasks.settle_referrals")
def settle_referrals() -> None:
    """End holding periods and windows that are over, batch by batch."""
    while qualify_held_referrals(wall=timezone.now(), limit=BATCH) == BATCH:
        pass
    while expire_referrals(wall=timezone.now(), limit=BATCH) == BATCH:
        pass
