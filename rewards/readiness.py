"""What a campaign needs from this app before it can be launched."""

from collections.abc import Iterator

from referrals.checklist import Item
from referrals.models import Campaign


def reward_rule_item(campaign: Campaign) -> Iterator[Item]:
    has_rule = campaign.reward_rules.filter(retired_at=None).exists()
    yield Item(
        "reward_rule", has_rule, "Say what is earned: add a reward rule for a side."
    )
