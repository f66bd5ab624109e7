"""What is answered to reported events: what each brought about, or would do."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework import serializers

from referral_factory.wire import IdField
from referrals.bulk_rows import BulkFaultSerializer
from referrals.models import Campaign, Event, Referral
from referrals.serializers import CheckSerializer, EventSerializer
from referrals.services.events import Recorded, Refusal, Report, preview_events
from referrals.showing import show_event
from rewards.reading import read_rewards
from rewards.serializers import RewardSerializer
from rewards.services.granting import preview_rewards
from rewards.showing import show_reward

DUPLICATE, FAILED = "duplicate", "failed"
OUTCOMES = (*Event.Outcome.values, DUPLICATE, FAILED)  # of a row


class GrantedSerializer(RewardSerializer):
    """A reward of the event's referral; in a dry run, one that would be granted."""

    id = IdField("rwd", allow_null=True)


class RecordedEventSerializer(EventSerializer):
    """An event, with the rewards of its referral."""

    id = IdField("evt", allow_null=True, help_text="null in a dry run.")
    outcome = serializers.ChoiceField([*Event.Outcome.choices, DUPLICATE])
    rewards = GrantedSerializer(many=True)
    dry_run = serializers.BooleanField()


class EventResultSerializer(serializers.Serializer[Any]):
    """What became of one row; in a dry run, what would."""

    row = serializers.IntegerField(help_text="Its number: the first is 1.")
    status = serializers.IntegerField(help_text="As a call with this row alone has.")
    outcome = serializers.ChoiceField(OUTCOMES)
    id = IdField("evt", allow_null=True)
    referral = IdField("ref", allow_null=True)
    detail = serializers.CharField(required=False, help_text="What decided it.")
    explanation = CheckSerializer(many=True, required=False)  # in a dry run
    rewards = GrantedSerializer(many=True, required=False)  # in a dry run
    errors = BulkFaultSerializer(many=True, required=False)  # type: ignore[assignment]


class EventResultsSerializer(serializers.Serializer[Any]):
    """What became of all rows, and how many of each."""

    results = EventResultSerializer(many=True)
    dry_run = serializers.BooleanField()

    def get_fields(self) -> dict[str, Any]:
        counts = {outcome: serializers.IntegerField() for outcome in OUTCOMES}
        return {**super().get_fields(), **counts}


def answers(recorded: Sequence[Recorded]) -> list[dict[str, Any]]:
    """To calls that reported one event each."""
    events = [each.event for each in recorded]
    rewards = read_rewards({each.referral_id for each in events if each.referral_id})
    return [
        {
            **show_event(event),
            "outcome": each.outcome,
            "rewards": rewards.get(event.referral_id, []) if event.referral_id else [],
            "dry_run": False,
        }
        for each, event in zip(recorded, events, strict=True)
    ]


def dry_answer(campaign: Campaign, report: Report, *, wall: datetime) -> dict[str, Any]:
    """To a call that asked what reporting one event would do."""
    (found,) = preview_events(campaign, [report], wall=wall)
    if isinstance(found, Refusal):
        raise found.error
    (rewards,) = would_grant(campaign, [found], wall=wall)
    return {
        **show_event(found.event),
        **({} if found.repeated else {"id": None}),
        "outcome": found.outcome,
        "rewards": rewards or _rewards_of(found.event),
        "dry_run": True,
    }


def would_grant(
    campaign: Campaign, found: Sequence[Recorded], *, wall: datetime
) -> list[list[dict[str, Any]]]:
    """The rewards that each of these events would bring about."""
    events = [each.event for each in found if _would_qualify(each)]
    qualified = {event.referral_id for event in events if event.referral_id}
    rewards: dict[UUID | None, list[dict[str, Any]]] = defaultdict(list)
    if qualified:
        rows = Referral.objects.filter(pk__in=qualified).select_related("campaign")
        for reward in preview_rewards(list(rows), now=campaign.now(wall)):
            rewards[reward.referral_id].append({**show_reward(reward), "id": None})
    return [
        rewards[each.event.referral_id] if _would_qualify(each) else []
        for each in found
    ]


def _would_qualify(found: Recorded) -> bool:
    """And stay so: a refund may have waited for it."""
    gone = any(move.to_status == Referral.Status.DISQUALIFIED for move in found.moves)
    return found.outcome == Event.Outcome.QUALIFIED and not gone


def _rewards_of(event: Event) -> list[dict[str, Any]]:
    referral = event.referral_id
    return read_rewards([referral]).get(referral, []) if referral else []
