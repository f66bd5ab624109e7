"""How this app's objects look from outside, in the API and in messages alike.

Each serializer's `prepare` adds to a queryset what showing its rows takes, so that a
list, a single object and a message are the same few queries and the same bytes.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, Prefetch, QuerySet, Subquery
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from referral_factory import money
from referral_factory.wire import IdField, MomentField, MoneyField
from referrals.counts import COUNTED, with_counts
from referrals.join_page import settings_of
from referrals.milestones import differences, shown_terms
from referrals.models import (
    Campaign,
    Event,
    Invitation,
    MilestoneVersion,
    Participant,
    Referral,
    RefusedClaim,
)
from referrals.showing import (
    show_advocate,
    show_event,
    show_link,
    show_participant,
    show_referral,
)
from referrals.telling import summary_of_event


def amount_as_text(amount: Decimal | None, currency: str) -> str | None:
    return None if amount is None else money.as_text(amount, currency)


class MilestoneSerializer(serializers.Serializer[Any]):
    """What makes a referral count."""

    event_name = serializers.CharField()
    minimum_amount = serializers.CharField(allow_null=True)
    condition = serializers.CharField()
    count = serializers.IntegerField(allow_null=True)
    sum = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    within_days = serializers.IntegerField()


class CampaignSerializer(serializers.Serializer[Campaign]):
    id = IdField("cmp")
    name = serializers.CharField()
    slug = serializers.CharField()
    mode = serializers.ChoiceField(Campaign.Mode.choices)
    status = serializers.ChoiceField(Campaign.Status.choices)
    owner = serializers.CharField()
    currency = serializers.CharField()
    landing_url = serializers.CharField()
    milestone = serializers.SerializerMethodField()
    holding_days = serializers.IntegerField()
    attribution_days = serializers.IntegerField()
    match_days = serializers.IntegerField()
    reversal_events = serializers.ListField(child=serializers.CharField())
    reversal_policy = serializers.ChoiceField(Campaign.ReversalPolicy.choices)
    review = serializers.JSONField()
    fields = serializers.JSONField()  # type: ignore[assignment]
    join = serializers.SerializerMethodField()
    version = serializers.IntegerField()
    created_at = MomentField()
    launched_at = MomentField()
    ended_at = MomentField()

    @extend_schema_field(MilestoneSerializer)
    def get_milestone(self, campaign: Campaign) -> dict[str, Any]:
        minimum, total = campaign.milestone_minimum, campaign.milestone_sum
        currency = campaign.currency
        return {
            "event_name": campaign.milestone_event,
            "minimum_amount": amount_as_text(minimum, currency),
            "condition": campaign.milestone_condition,
            "count": campaign.milestone_count,
            "sum": amount_as_text(total, currency),
            "currency": currency,
            "within_days": campaign.milestone_within_days,
        }

    def get_join(self, campaign: Campaign) -> dict[str, Any]:
        """The enrolment page, and where it is."""
        url = f"{settings.PUBLIC_URL}/join/{campaign.slug}"
        return {"url": url, **settings_of(campaign)}

    @classmethod
    def prepare(cls, rows: QuerySet[Campaign]) -> QuerySet[Campaign]:
        return rows


class RuleChangeSerializer(serializers.Serializer[Any]):
    """One of the rules as it was before, and as it became."""

    field = serializers.CharField()
    before = serializers.JSONField()
    after = serializers.JSONField()


class VersionSerializer(serializers.Serializer[MilestoneVersion]):
    """The rules of a campaign at one version, and what it changed."""

    version = serializers.IntegerField()
    made_by = serializers.CharField()
    made_at = MomentField()
    terms = serializers.SerializerMethodField()
    changes = serializers.SerializerMethodField()

    def get_terms(self, row: MilestoneVersion) -> dict[str, Any]:
        return shown_terms(row.terms)

    @extend_schema_field(RuleChangeSerializer(many=True))
    def get_changes(self, row: Any) -> list[dict[str, Any]]:
        return differences(row.terms_before, row.terms)

    @classmethod
    def prepare(cls, rows: QuerySet[MilestoneVersion]) -> QuerySet[MilestoneVersion]:
        earlier = MilestoneVersion.objects.filter(
            campaign=OuterRef("campaign"), version__lt=OuterRef("version")
        )
        before = Subquery(earlier.order_by("-version").values("terms")[:1])
        return rows.annotate(terms_before=before)


class ChecklistItemSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    done = serializers.BooleanField()
    detail = serializers.CharField()


class ChecklistSerializer(serializers.Serializer[Any]):
    """What still stands between a campaign and its launch."""

    ready = serializers.BooleanField()
    items = ChecklistItemSerializer(many=True)


class ClockSerializer(serializers.Serializer[Any]):
    """The time in a test campaign, and what became due by moving it."""

    now = MomentField()
    qualified = serializers.IntegerField()
    expired = serializers.IntegerField()


class ParticipantSerializer(serializers.Serializer[Participant]):
    id = IdField("ptc")
    campaign = IdField("cmp", source="campaign_id")
    external_id = serializers.CharField()
    email = serializers.CharField()
    name = serializers.CharField()
    status = serializers.ChoiceField(Participant.Status.choices)
    code = serializers.CharField()
    link = serializers.SerializerMethodField()
    attributes = serializers.JSONField()
    source = serializers.CharField()  # type: ignore[assignment]
    referred_by = serializers.SerializerMethodField()
    merged_into = IdField("ptc", source="merged_into_id")
    customer_since = MomentField()
    counts = serializers.SerializerMethodField()
    created_at = MomentField()

    def get_link(self, participant: Participant) -> dict[str, Any]:
        return show_link(participant)

    def get_referred_by(self, participant: Any) -> dict[str, str] | None:
        return show_advocate(participant.credits)

    def get_counts(self, participant: Participant) -> dict[str, int]:
        return {name: getattr(participant, column) for name, column in COUNTED}

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """What the fields say, in a tenth of their time."""
        return show_participant(instance)

    @classmethod
    def prepare(cls, rows: QuerySet[Participant]) -> QuerySet[Participant]:
        referred_by = Referral.objects.select_related("advocate")
        return with_counts(rows.select_related("campaign")).prefetch_related(
            Prefetch("referred_by", referred_by, to_attr="credits")
        )

    @classmethod
    def prepare_newcomers(cls, people: Sequence[Any]) -> Sequence[Any]:
        """Who was enrolled just now has brought nobody, and earned nothing, yet."""
        for participant in people:
            participant.credits = []
            for _, column in COUNTED:
                setattr(participant, column, 0)
        return people


class CheckSerializer(serializers.Serializer[dict[str, Any]]):
    """One question that a decision asked, its answer, and what it saw."""

    check = serializers.CharField()
    passed = serializers.BooleanField()
    detail = serializers.CharField()
    saw = serializers.JSONField(required=False)  # the values that a condition read


class MarkSerializer(serializers.Serializer[dict[str, Any]]):
    """What speaks against a credit without refusing it: its rewards are flagged."""

    code = serializers.CharField()
    detail = serializers.CharField()


class PortalLinkSerializer(serializers.Serializer[Any]):
    """Where somebody sees their own page: it ends when their code does."""

    url = serializers.CharField()


class ReferralSerializer(serializers.Serializer[Referral]):
    id = IdField("ref")
    campaign = IdField("cmp", source="campaign_id")
    advocate = IdField("ptc", source="advocate_id")
    friend = IdField("ptc", source="friend_id")
    status = serializers.ChoiceField(Referral.Status.choices)
    way = serializers.ChoiceField(Referral.Way.choices)
    click = IdField("clk", source="click_id")
    clicked_at = MomentField()
    reason = serializers.CharField()
    decided_by = serializers.CharField()
    marks = serializers.SerializerMethodField()
    explanation = serializers.SerializerMethodField()
    milestone_event = IdField("evt", source="milestone_event_id")
    created_at = MomentField()
    expires_at = MomentField()
    holds_until = MomentField()
    qualified_at = MomentField()
    disqualified_at = MomentField()

    # Both as they were stored; referrals from before decisions were kept have none.
    @extend_schema_field(MarkSerializer(many=True))
    def get_marks(self, referral: Referral) -> Any:
        return referral.marks

    @extend_schema_field(CheckSerializer(many=True))
    def get_explanation(self, referral: Referral) -> Any:
        return referral.decision.get("checks", [])

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """What the fields say, in a tenth of their time."""
        return show_referral(instance)

    @classmethod
    def prepare(cls, rows: QuerySet[Referral]) -> QuerySet[Referral]:
        return rows


class RefusedSerializer(serializers.Serializer[RefusedClaim]):
    """A claim of this call that was not credited, and why: see docs/attribution.md."""

    way = serializers.ChoiceField(Referral.Way.choices)
    value = serializers.CharField()
    reason = serializers.CharField()
    detail = serializers.CharField()


class RefusedClaimSerializer(RefusedSerializer):
    """A refused claim as it is kept, with all that decided about it."""

    id = IdField("clm")
    campaign = IdField("cmp", source="campaign_id")
    friend = IdField("ptc", source="friend_id")
    advocate = IdField("ptc", source="advocate_id")
    explanation = CheckSerializer(source="decision.checks", many=True)
    created_at = MomentField()


class InvitationSerializer(serializers.Serializer[Invitation]):
    id = IdField("inv")
    email = serializers.CharField()
    created_at = MomentField()


class InvitedRowSerializer(serializers.Serializer[Any]):
    """What became of one address of a call, in the order of the call."""

    email = serializers.CharField()
    outcome = serializers.ChoiceField(["invited", "invited_before", "invalid"])
    invitation = IdField("inv", source="invitation.pk", default=None)
    detail = serializers.CharField()


class InvitedSerializer(serializers.Serializer[Any]):
    results = InvitedRowSerializer(many=True)


class EnrolledSerializer(ParticipantSerializer):
    """A participant in the answer to the call that enrolled them."""

    refused_claims = RefusedSerializer(many=True)

    @classmethod
    def of(
        cls, participant: Participant, refused: Iterable[RefusedClaim]
    ) -> dict[str, Any]:
        return {
            **show_participant(participant),
            "refused_claims": [RefusedSerializer(each).data for each in refused],
        }


class MadeReferralSerializer(ReferralSerializer):
    """A referral in the answer to the call that claimed it."""

    refused_claims = RefusedSerializer(many=True)

    @classmethod
    def of(cls, answer: Any) -> dict[str, Any]:
        """`answer`: what became of the claims, with its `referral` and `refused`."""
        return {
            **show_referral(answer.referral),
            "refused_claims": [RefusedSerializer(each).data for each in answer.refused],
        }


class EventSerializer(serializers.Serializer[Event]):
    id = IdField("evt")
    campaign = IdField("cmp", source="campaign_id")
    event_id = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    name = serializers.CharField()
    participant = IdField("ptc", source="participant_id")
    referral = IdField("ref", source="referral_id")
    outcome = serializers.ChoiceField(Event.Outcome.choices)
    counts = serializers.BooleanField()
    amount = MoneyField()
    currency = serializers.SerializerMethodField()
    properties = serializers.JSONField()
    reverses = serializers.CharField()
    occurred_at = MomentField()
    received_at = MomentField()
    rules_version = serializers.IntegerField()
    summary = serializers.SerializerMethodField()
    explanation = serializers.SerializerMethodField()

    def get_currency(self, event: Event) -> str | None:
        return event.currency or None

    def get_summary(self, event: Event) -> str:
        """What was decided and why, in a sentence or two."""
        return summary_of_event(event)

    @extend_schema_field(CheckSerializer(many=True))
    def get_explanation(self, event: Event) -> Any:
        return event.decision.get("checks", [])

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """What the fields say, in a tenth of their time."""
        return show_event(instance)

    @classmethod
    def prepare(cls, rows: QuerySet[Event]) -> QuerySet[Event]:
        return rows
