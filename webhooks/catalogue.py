"""Every message that a subscriber can receive.

The only module that knows both the domain and webhooks. Domain apps never import this
one: they send a signal, and do not care who listens.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple, Protocol

from django.db.models import Model, QuerySet
from django.dispatch import Signal

from referrals import signals as referral_signals
from referrals.models import Campaign, Event, Participant, Referral
from referrals.serializers import (
    CampaignSerializer,
    EventSerializer,
    ParticipantSerializer,
    ReferralSerializer,
)
from rewards import signals as reward_signals
from rewards.models import Reward
from rewards.serializers import RewardSerializer
from webhooks import outbox
from webhooks.models import Endpoint
from webhooks.samples import samples
from webhooks.serializers import EndpointSerializer


class Shows(Protocol):
    """A serializer that says what its rows need to be shown."""

    def __call__(self, instance: Any) -> Any: ...

    def prepare(self, rows: QuerySet[Any]) -> QuerySet[Any]: ...


class MessageType(NamedTuple):
    name: str
    model: type[Model]
    serializer: Shows
    signals: Sequence[Signal] = ()  # none: a service of this app records it
    # How rows that were written a moment ago are shown without reading them again.
    at_hand: Callable[[Sequence[Any]], Sequence[Any]] | None = None


def _family(
    noun: str, model: type[Model], serializer: Shows, module: Any, participles: str
) -> list[MessageType]:
    """`referral.qualified` from the signal `referral_qualified`, and so on."""
    return [
        MessageType(
            f"{noun}.{each}", model, serializer, [getattr(module, f"{noun}_{each}")]
        )
        for each in participles.split()
    ]


ENDPOINT_DISABLED = MessageType("endpoint.disabled", Endpoint, EndpointSerializer)
PING = MessageType("ping", Endpoint, EndpointSerializer)
MESSAGE_TYPES = {
    each.name: each
    for each in [
        *_family(
            "campaign",
            Campaign,
            CampaignSerializer,
            referral_signals,
            "launched paused resumed ended",
        ),
        MessageType(
            "participant.created",
            Participant,
            ParticipantSerializer,
            [referral_signals.participant_created],
            at_hand=ParticipantSerializer.prepare_newcomers,
        ),
        *_family(
            "participant",
            Participant,
            ParticipantSerializer,
            referral_signals,
            "blocked",
        ),
        MessageType(
            "participant.updated",
            Participant,
            ParticipantSerializer,
            # Being unblocked is a change like others, to who is told of it.
            [
                referral_signals.participant_updated,
                referral_signals.participant_unblocked,
            ],
        ),
        MessageType(
            "participant.erased",
            Participant,
            ParticipantSerializer,
            # To who is told of it, a row that was merged away is gone as well: its
            # `merged_into` says where to.
            [referral_signals.participant_erased, referral_signals.participant_merged],
        ),
        MessageType(
            "referral.created",
            Referral,
            ReferralSerializer,
            [referral_signals.referral_created],
            at_hand=list,
        ),
        *_family(
            "referral",
            Referral,
            ReferralSerializer,
            referral_signals,
            "holding qualified disqualified reopened expired",
        ),
        MessageType(
            "event.unmatched",
            Event,
            EventSerializer,
            [referral_signals.event_unmatched],
            at_hand=list,
        ),
        MessageType(
            "reward.created",
            Reward,
            RewardSerializer,
            [reward_signals.reward_created],
            at_hand=list,
        ),
        *_family(
            "reward",
            Reward,
            RewardSerializer,
            reward_signals,
            "flagged approved rejected issued cancelled clawed_back",
        ),
        ENDPOINT_DISABLED,
        PING,
    ]
}


def listen() -> None:
    """Record messages whenever one of these signals is sent."""
    for message_type in MESSAGE_TYPES.values():
        for signal in message_type.signals:
            signal.connect(
                partial(on_fact, message_type),
                weak=False,
                dispatch_uid=f"webhooks.{message_type.name}",
            )


def on_fact(
    message_type: MessageType,
    *,
    instances: Sequence[Model],
    as_written: bool = False,
    **kwargs: Any,
) -> None:
    """Record a message about each, in the caller's transaction.

    `as_written`: they are whole, and as they are in the database.
    """
    show = message_type.at_hand or partial(_read_again, message_type)
    shown = instances if as_written else show(instances)
    facts = [_fact(message_type, row) for row in shown]
    outbox.record(message_type.name, facts)


def _read_again(
    message_type: MessageType, instances: Sequence[Model]
) -> Sequence[Model]:
    """The rows as GET reads them, so that a message says the very same.

    In a fixed number of queries, however many they are.
    """
    rows = message_type.serializer.prepare(message_type.model._default_manager.all())
    if message_type.model is not Campaign:
        rows = rows.select_related("campaign")
    found = rows.in_bulk([instance.pk for instance in instances])
    return [found[instance.pk] for instance in instances]


def _fact(message_type: MessageType, row: Any) -> outbox.Fact:
    campaign = row if isinstance(row, Campaign) else row.campaign
    data = _shower(message_type.name).to_representation(row)
    return outbox.Fact(row.pk, campaign.mode, campaign.pk, data)


@cache
def _shower(name: str) -> Any:
    """One for all rows: making a serializer takes longer than showing a row by it."""
    return MESSAGE_TYPES[name].serializer(None)


def endpoint_fact(endpoint: Endpoint) -> outbox.Fact:
    """What a message says of an endpoint: it belongs to no campaign."""
    data = EndpointSerializer(endpoint).data
    return outbox.Fact(endpoint.pk, endpoint.mode, None, data)


def described() -> list[dict[str, Any]]:
    """The catalogue for people: each type's name, and a sample of its data."""
    examples = samples()
    return [
        {"name": each.name, "sample": each.serializer(examples[each.model]).data}
        for each in MESSAGE_TYPES.values()
    ]
