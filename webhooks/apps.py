from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils import timezone


class WebhooksConfig(AppConfig):
    name = "webhooks"

    def ready(self) -> None:
        # These import models, so not before the registry is filled.
        from referrals import checklist
        from referrals.signals import campaign_copied, participant_erased
        from webhooks import catalogue, receivers
        from webhooks.readiness import hearing_item

        catalogue.listen()
        checklist.register(hearing_item)
        participant_erased.connect(
            receivers.on_participant_erased, dispatch_uid="webhooks.forget"
        )
        campaign_copied.connect(
            receivers.on_campaign_copied, dispatch_uid="webhooks.copy"
        )
        post_migrate.connect(
            on_post_migrate, sender=self, dispatch_uid="webhooks.partitions"
        )


def on_post_migrate(**kwargs: Any) -> None:
    """Make the months of all partitioned tables: a fresh database is ready at once."""
    from referral_factory import partitions

    partitions.ensure(timezone.now())
