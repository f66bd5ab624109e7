"""What access does by the clock."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from referral_factory.access.idempotency import KEPT_FOR
from referral_factory.access.models import CallCount, IdempotencyKey

COUNTS_KEPT_FOR = timedelta(hours=1)


@shared_task
def purge() -> dict[str, int]:
    """Forget stored answers and call counts that nobody can ask for any more."""
    now = timezone.now()
    answers = IdempotencyKey.objects.filter(created_at__lt=now - KEPT_FOR)
    counts = CallCount.objects.filter(window__lt=now - COUNTS_KEPT_FOR)
    return {
        "answers": answers.delete()[0],
        "counts": counts.delete()[0],
    }
