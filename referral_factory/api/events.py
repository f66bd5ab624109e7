"""Events with what they brought about: a door that needs more than one app."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.access.viewsets import ApiViewSet
from referrals.filters import EventFilter
from referrals.inputs import EventInput
from referrals.lookup import only_campaign_of, visible_campaign
from referrals.models import Campaign, Event
from referrals.serializers import EventSerializer
from referrals.services.events import Recorded, Report, record_event
from rewards.models import Reward
from rewards.serializers import RewardSerializer


class RecordedEventSerializer(EventSerializer):
    """An event, with the rewards of its referral."""

    outcome = serializers.ChoiceField([*Event.Outcome.choices, "duplicate"])
    rewards = RewardSerializer(many=True)


class EventViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Events: what your system reports about people. One may qualify a referral."""

    resource = "events"
    prefix = "evt"
    serializer_class = EventSerializer
    inputs = {"create": EventInput}
    filterset_class = EventFilter

    def get_queryset(self) -> QuerySet[Event]:
        return EventSerializer.prepare(self.visible(Event.objects.all()))

    @extend_schema(
        responses={200: RecordedEventSerializer, 201: RecordedEventSerializer}
    )
    def create(self, request: Request) -> Response:
        """Report an event; the answer says what it brought about, and why.

        201 the first time, 200 with the outcome `duplicate` when it is repeated.
        """
        given = self.validated(EventInput)
        campaign = self._campaign(given.pop("campaign", None), given["participant"])
        if given.get("amount") is None:
            given.pop("amount", None)
            given.pop("currency", None)
        recorded = record_event(campaign, Report(**given), wall=timezone.now())
        code = status.HTTP_200_OK if recorded.repeated else status.HTTP_201_CREATED
        return Response(_answer(recorded), code)

    def _campaign(self, pk: Any, named: dict[str, str]) -> Campaign:
        if pk is not None:
            return visible_campaign(self.key, pk)
        return only_campaign_of(self.key, named)


def _answer(recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    rewards = Reward.objects.none()
    if event.referral_id:
        rewards = Reward.objects.filter(referral=event.referral_id).order_by("id")
    return {
        **EventSerializer(event).data,
        "outcome": recorded.outcome,
        "rewards": [RewardSerializer(reward).data for reward in rewards],
    }
