"""What a campaign needs from this app before it can be launched."""

from collections.abc import Iterator

from django.db.models import Q

from referrals.checklist import Item
from referrals.models import Campaign
from webhooks.models import Endpoint


def hearing_item(campaign: Campaign) -> Iterator[Item]:
    covers = Q(campaign_ids=[]) | Q(campaign_ids__contains=[campaign.pk])
    heard = Endpoint.objects.filter(
        covers,
        mode=campaign.mode,
        status=Endpoint.Status.ENABLED,
        deleted_at=None,
    ).exists()
    yield Item(
        "way_to_hear_of_it",
        heard,
        "Say where messages go: add an endpoint that covers this campaign.",
    )
