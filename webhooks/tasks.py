"""Care for the tables that grow for ever."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from referral_factory import partitions


@shared_task(name="webhooks.tasks.care_for_partitions")
def care_for_partitions() -> None:
    """Make the months ahead, and drop those that are older than is kept."""
    now = timezone.now()
    partitions.ensure(now)
    for table, (_, retention, _) in partitions.TABLES.items():
        days = getattr(settings, retention)
        partitions.drop_before(table, now - timedelta(days=days))
