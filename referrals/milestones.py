"""The rules of a campaign as they are now, and as they were."""

from datetime import timedelta

from referrals.facts import Milestone
from referrals.models import Campaign, MilestoneVersion


def milestone_of(campaign: Campaign) -> Milestone:
    return Milestone(
        event_name=campaign.milestone_event,
        minimum=campaign.milestone_minimum,
        currency=campaign.currency,
        within=timedelta(days=campaign.milestone_within_days),
        holding=timedelta(days=campaign.holding_days),
        match=timedelta(days=campaign.match_days),
        reversal_events=tuple(campaign.reversal_events),
        version=campaign.version,
        condition=campaign.milestone_condition,
        count=campaign.milestone_count,
        sum=campaign.milestone_sum,
        reversal_policy=campaign.reversal_policy,
    )


def milestone_at(campaign: Campaign, version: int) -> Milestone:
    """The rules as they were at a version; what is kept is never changed."""
    kept = MilestoneVersion.objects.get(campaign=campaign, version=version)
    return Milestone.from_json(kept.terms)
