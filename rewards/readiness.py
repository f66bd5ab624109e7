"""What a campaign needs from this app before it can be launched."""

from collections.abc import Iterator

from referrals.checklist import Item
from referrals.models import Campaign


def reward_rule_item(campaign: Campaign) -> Iterator[Item]:
    rules = campaign.reward_rules.filter(retired_at=None)
    currencies = set(rules.values_list("currency", flat=True))
    yield Item(
        "reward_rule",
        currencies == {campaign.currency},
        "Say what is earned: add a reward rule for a side, in the campaign's currency.",
    )
