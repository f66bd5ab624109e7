"""Sweeps that time asks for. Each finds its own work and is safe to run twice."""

from celery import shared_task
from django.utils import timezone

from referrals.services import importing, imports
from referrals.services.joining import drop_expired_requests
from referrals.services.referrals import expire_referrals, qualify_held_referrals

BATCH = 500


@shared_task(name="referrals.tasks.settle_referrals")
def settle_referrals() -> None:
    """End holding periods and windows that are over, batch by batch."""
    while qualify_held_referrals(wall=timezone.now(), limit=BATCH) == BATCH:
        pass
    while expire_referrals(wall=timezone.now(), limit=BATCH) == BATCH:
        pass


@shared_task(name="referrals.tasks.work_on_imports")
def work_on_imports() -> None:
    """Go on with the next file of people for a few seconds, if there is one."""
    importing.work_on_imports()


@shared_task(name="referrals.tasks.purge_imports")
def purge_imports() -> None:
    """Drop files that nobody ran, and what old faults say of people."""
    imports.purge_imports(wall=timezone.now())


@shared_task(name="referrals.tasks.drop_join_requests")
def drop_join_requests() -> None:
    """Forget what people filled in and did not confirm in time."""
    while drop_expired_requests(wall=timezone.now(), limit=BATCH) == BATCH:
        pass
