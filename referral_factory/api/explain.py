"""Why somebody was or was not credited, qualified, rewarded: as it was stored."""

from collections.abc import Sequence
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.access.parameters import InvalidParameter
from referral_factory.access.viewsets import ApiViewSet, visible_to
from referral_factory.errors import InvalidInput
from referral_factory.ids import InvalidId, from_public
from referral_factory.wire import IdField, MomentField
from referrals.mailboxes import canonical, clean
from referrals.models import Campaign, Event, Participant, Referral
from referrals.serializers import (
    EventSerializer,
    ReferralSerializer,
    RefusedClaimSerializer,
)
from referrals.services.explaining import (
    MANY,
    Story,
    explain_nobody,
    explain_person,
    rules_of,
)
from referrals.telling import checks_of, summary_of_event
from referrals.timeline_serializers import AskedSerializer
from rewards.models import Reward
from rewards.serializers import RewardSerializer

M = TypeVar("M", bound=Model)

QUESTIONS = ("participant", "campaign", "email", "external_id", "event")
PREFIXES = {"participant": "ptc", "event": "evt", "campaign": "cmp"}
HOW_TO_ASK = (
    "Ask for a participant, an event, or a campaign with an email or an external_id."
)
DOCUMENTED = [
    OpenApiParameter("participant", description="Explain this one (`ptc_`)."),
    OpenApiParameter("event", description="Explain this one (`evt_`)."),
    OpenApiParameter("campaign", description="Where to look for a name (`cmp_`)."),
    OpenApiParameter("email", description="With `campaign`: whose mailbox it is."),
    OpenApiParameter("external_id", description="With `campaign`: whose id it is."),
]


class WhoSerializer(serializers.Serializer[Participant]):
    id = IdField("ptc")
    campaign = IdField("cmp", source="campaign_id")
    status = serializers.ChoiceField(Participant.Status.choices)
    merged_into = IdField("ptc", source="merged_into_id")
    created_at = MomentField()


class WaySerializer(serializers.Serializer[Any]):
    """One way of the written order, and what it came to."""

    way = serializers.ChoiceField(Referral.Way.choices)
    outcome = serializers.ChoiceField(
        ["credited", "agreed", "refused", "nothing_given"]
    )
    detail = serializers.CharField()


class WhoInvitedSerializer(serializers.Serializer[Any]):
    id = IdField("inv")
    advocate = IdField("ptc", source="advocate_id")
    created_at = MomentField()


class ExplainedReferralSerializer(ReferralSerializer):
    """A referral with the rules that its credit was decided by."""

    explanation = AskedSerializer(many=True)  # type: ignore[assignment]
    rules = serializers.JSONField(source="decision.rules", default=dict)

    def to_representation(self, instance: Referral) -> dict[str, Any]:
        return {**super().to_representation(instance), **_of_then(instance)}


class ExplainedClaimSerializer(RefusedClaimSerializer):
    explanation = AskedSerializer(source="decision.checks", many=True)
    rules = serializers.JSONField(source="decision.rules", default=dict)


class ExplainedEventSerializer(EventSerializer):
    """An event with the rules that it was judged by, as they were then."""

    explanation = AskedSerializer(many=True)  # type: ignore[assignment]
    rules = serializers.JSONField()

    def to_representation(self, instance: Event) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return {**shown, **_of_then(instance), "rules": self._rules(instance)}

    def _rules(self, event: Event) -> Any:
        kept = event.decision.get("milestone")
        return kept or self.context["rules"].get(event.rules_version, {})


class ExplanationSerializer(serializers.Serializer[Any]):
    """Why it is as it is. Checks and rules are those of when it was decided."""

    summary = serializers.CharField()
    participant = WhoSerializer(allow_null=True)
    credited = serializers.BooleanField()
    erased_before = serializers.BooleanField()
    referral = ExplainedReferralSerializer(allow_null=True)
    ways = WaySerializer(many=True)
    refused_claims = ExplainedClaimSerializer(many=True)
    invitations = WhoInvitedSerializer(many=True)
    events = serializers.SerializerMethodField()
    rewards = RewardSerializer(many=True)

    @extend_schema_field(ExplainedEventSerializer(many=True))
    def get_events(self, answer: dict[str, Any]) -> Any:
        """With the rules of then: all of them are of one campaign."""
        events = answer["events"]
        context = {"rules": rules_of(events)}
        return ExplainedEventSerializer(events, many=True, context=context).data


class ExplainViewSet(ApiViewSet):
    """Why somebody was or was not credited, qualified, rewarded."""

    resource = "referrals"
    parameters = {"explain": QUESTIONS}
    serializer_class = ExplanationSerializer
    filter_backends = []
    pagination_class = None

    def get_queryset(self) -> QuerySet[Participant]:
        return self.visible(Participant.objects.select_related("campaign"))

    @extend_schema(parameters=DOCUMENTED, responses=ExplanationSerializer)
    def explain(self, request: Request) -> Response:
        """Ask for a `participant`, an `event`, or a name in a `campaign`.

        The ordered checks with what each saw, as they were stored: later changes of
        the rules change no explanation.
        """
        asked = {name: request.query_params.get(name, "") for name in QUESTIONS}
        given = {name: value for name, value in asked.items() if value}
        match sorted(given):
            case ["participant"]:
                answer = _of_person(self._named("participant", self.get_queryset()))
            case ["event"]:
                answer = _of_event(self._named("event", self._events()))
            case ["campaign", "email"] | ["campaign", "external_id"]:
                answer = self._of_name(given)
            case _:
                raise InvalidParameter("participant", HOW_TO_ASK, code="required")
        return Response(ExplanationSerializer(answer).data)

    def _events(self) -> QuerySet[Event]:
        people = ("campaign", "participant__campaign")
        return self.visible(Event.objects.select_related(*people))

    def _of_name(self, given: dict[str, str]) -> dict[str, Any]:
        campaigns = visible_to(self.key, Campaign.objects.all(), path="")
        campaign = self._named("campaign", campaigns)
        mailbox = _mailbox(given["email"]) if "email" in given else None
        external_id = given.get("external_id")
        people = self.get_queryset().filter(campaign=campaign)
        if mailbox:
            person = people.filter(email_canonical=mailbox).first()
        else:
            person = people.filter(external_id=external_id).first()
        if person:
            return _of_person(person)
        story = explain_nobody(campaign, mailbox=mailbox, external_id=external_id)
        return _answer(story)

    def _named(self, name: str, rows: QuerySet[M]) -> M:
        """The row whose id a parameter holds; 404 where the key knows no such row."""
        try:
            pk = from_public(PREFIXES[name], self.request.query_params[name])
        except InvalidId as error:
            raise InvalidParameter(name, str(error), code="invalid_id") from error
        return get_object_or_404(rows, pk=pk)


def _of_then(decided: Referral | Event) -> dict[str, Any]:
    """The checks with what each asked, and the rules where they are kept beside."""
    asked = [AskedSerializer(check).data for check in checks_of(decided)]
    return {"explanation": asked, "rules": decided.decision.get("rules", {})}


def _of_person(person: Participant) -> dict[str, Any]:
    found = Event.objects.filter(participant=person).order_by("-id")[:MANY]
    return _answer(explain_person(person), list(found))


def _of_event(event: Event) -> dict[str, Any]:
    """The story of its person, and of their events this one."""
    if event.participant:
        story = explain_person(event.participant)
    else:
        story = explain_nobody(event.campaign, mailbox=None, external_id=None)
    return {**_answer(story, [event]), "summary": summary_of_event(event)}


def _answer(story: Story, events: Sequence[Event] = ()) -> dict[str, Any]:
    rewards = Reward.objects.filter(referral=story.referral) if story.referral else []
    return {
        "summary": story.summary,
        "participant": story.person,
        "credited": story.referral is not None,
        "erased_before": story.erased_before,
        "referral": story.referral,
        "ways": story.ways,
        "refused_claims": story.refused,
        "invitations": story.invitations,
        "events": events,
        "rewards": rewards,
    }


def _mailbox(address: str) -> str:
    try:
        return canonical(clean(address))
    except InvalidInput as error:
        raise InvalidParameter("email", str(error)) from error
