"""Review right after the commit that granted a reward; a sweep, safe to run twice."""

from celery import shared_task
from django.utils import timezone

from rewards.services.reviewing import review_rewards as review_batch

BATCH = 200


@shared_task(name="rewards.tasks.review_rewards")
def review_rewards() -> None:
    while review_batch(wall=timezone.now(), limit=BATCH) == BATCH:
        pass
