"""Copying a campaign: what was tested in test mode goes live as it was tested."""

from typing import Any

from django.db import transaction

from referrals.models import Campaign
from referrals.services.campaigns import create_campaign
from referrals.services.rules import RULES
from referrals.signals import campaign_copied

COPIED = (
    *RULES,
    "owner",
    "landing_url",
    "attribution_days",
    "review",
    "fields",
    "join",
)
LONGEST_SLUG = 80


@transaction.atomic
def copy_campaign(
    campaign: Campaign,
    *,
    by: str,
    mode: str = Campaign.Mode.LIVE,
    slug: str = "",
    name: str = "",
) -> Campaign:
    """A draft with the same rules, reward rules, fields, page, e-mails and sources.

    No person, event or reward is copied, no clock, and no secret of a source: it begins
    as nobody knows it.
    """
    fields: dict[str, Any] = {column: getattr(campaign, column) for column in COPIED}
    made = create_campaign(
        mode=mode,
        by=by,
        name=name or campaign.name,
        slug=slug or _slug_of_copy(campaign, mode),
        **fields,
    )
    campaign_copied.send(sender=Campaign, instances=[made], copied_from=campaign, by=by)
    return made


def _slug_of_copy(campaign: Campaign, mode: str) -> str:
    return f"{campaign.slug[: LONGEST_SLUG - len(mode) - 1]}-{mode}".replace("--", "-")
