"""Races about the rules of a campaign: changed by two people at the same moment."""

from decimal import Decimal
from functools import partial

from referral_factory.errors import InvalidInput
from referrals.models import MilestoneVersion
from referrals.services.campaigns import change_campaign, create_campaign
from referrals.services.copying import copy_campaign
from tests.factories import make_campaign, make_rule
from tests.races.together import at_once


def a_count_and_a_sum_are_never_both_asked_for() -> None:
    """Each alone is fine; who comes second is told, and nothing is a 500."""
    campaign = make_campaign()
    answers = at_once(
        partial(change_campaign, campaign, milestone_count=3, by="user:ada"),
        partial(change_campaign, campaign, milestone_sum=Decimal(500), by="user:bob"),
    )
    (refusal,) = [each for each in answers if isinstance(each, InvalidInput)]
    assert refusal.code == "count_and_sum"
    campaign.refresh_from_db()
    assert (campaign.milestone_count is None) != (campaign.milestone_sum is None)
    assert campaign.version == 2


def every_version_is_kept_as_it_was() -> None:
    campaign = create_campaign(
        mode="test",
        name="C",
        slug=make_campaign().slug + "-anew",
        currency="USD",
        milestone_event="purchase",
    )
    at_once(
        *(partial(change_campaign, campaign, holding_days=n) for n in range(1, 7)),
    )
    kept = MilestoneVersion.objects.filter(campaign=campaign).order_by("version")
    assert [row.version for row in kept] == list(range(1, 8))
    assert {row.terms["holding_days"] for row in kept} == set(range(7))
    campaign.refresh_from_db()
    assert kept.last().terms["holding_days"] == campaign.holding_days  # type: ignore[union-attr]


def a_campaign_is_copied_to_one_slug_once() -> None:
    campaign = make_campaign()
    make_rule(campaign=campaign)
    answers = at_once(*[partial(copy_campaign, campaign, by="user:ada")] * 4)
    (made,) = [each for each in answers if not isinstance(each, InvalidInput)]
    assert made.reward_rules.count() == 1
    assert {each.pointer for each in answers if each is not made} == {"/slug"}


RACES = [
    a_count_and_a_sum_are_never_both_asked_for,
    every_version_is_kept_as_it_was,
    a_campaign_is_copied_to_one_slug_once,
]
