"""Sending, by the clock. Each finds its own work and is safe to run twice."""

import time
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from referral_factory import mail_server
from referral_factory.mail import sending

BATCH = 20
AT_MOST = 15.0  # seconds: a worker has other things to do


@shared_task(name="referral_factory.mail.tasks.send_emails")
def send_emails() -> None:
    """Send what is due, batch by batch; the next second goes on."""
    end = time.monotonic() + AT_MOST
    while mail_server.is_set_up() and time.monotonic() < end:
        if not sending.send_emails(wall=timezone.now(), limit=BATCH, until=end):
            return


@shared_task(name="referral_factory.mail.tasks.purge_emails")
def purge_emails() -> None:
    """Forget that something was sent, once nobody will ask any more."""
    kept = timedelta(days=settings.MESSAGE_RETENTION_DAYS)
    sending.give_up_lost(wall=timezone.now())
    sending.purge(before=timezone.now() - kept)
