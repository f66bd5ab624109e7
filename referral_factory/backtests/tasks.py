"""Work on backtests. Each finds its own and is safe to run twice."""

from celery import shared_task
from django.utils import timezone

from referral_factory.backtests import services


@shared_task(name="referral_factory.backtests.tasks.work_on_backtests")
def work_on_backtests() -> None:
    """Go on with the next backtest for a few seconds, if there is one."""
    services.work_on_backtests()


@shared_task(name="referral_factory.backtests.tasks.purge_backtests")
def purge_backtests() -> None:
    """Forget what was found long ago."""
    services.purge_backtests(wall=timezone.now())
