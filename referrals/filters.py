"""What lists can be narrowed down by."""

from django.db.models import Exists, OuterRef
from django_filters import rest_framework as filters

from referral_factory.access.filters import (
    ChoiceFilter,
    ContainmentFilter,
    IdFilter,
    MomentFilter,
    YesOrNoFilter,
)
from referral_factory.access.parameters import InvalidParameter
from referral_factory.errors import InvalidInput
from referrals.attribution import REFUSALS
from referrals.mailboxes import canonical, clean
from referrals.models import (
    Campaign,
    Event,
    Import,
    Participant,
    Referral,
    RefusedClaim,
)
from referrals.services.codes import owners_of


class CampaignFilter(filters.FilterSet):
    status = ChoiceFilter(choices=Campaign.Status.choices)
    slug = filters.CharFilter()

    class Meta:
        model = Campaign
        fields: list[str] = []


class ParticipantFilter(filters.FilterSet):
    campaign = IdFilter(prefix="cmp", field_name="campaign_id")
    status = ChoiceFilter(choices=Participant.Status.choices)
    external_id = filters.CharFilter()
    email = filters.CharFilter(method="by_mailbox")
    code = filters.CharFilter(method="by_code")
    source = filters.CharFilter()
    attributes = ContainmentFilter()
    referred = YesOrNoFilter(method="by_credit")
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Participant
        fields: list[str] = []

    def by_mailbox(self, rows, name, value):  # type: ignore[no-untyped-def]
        try:
            mailbox = canonical(clean(value))
        except InvalidInput as error:
            raise InvalidParameter(name, str(error)) from error
        return rows.filter(email_canonical=mailbox)

    def by_code(self, rows, name, value):  # type: ignore[no-untyped-def]
        return rows.filter(pk__in=owners_of(value))

    def by_credit(self, rows, name, value):  # type: ignore[no-untyped-def]
        credited = Referral.objects.filter(friend=OuterRef("pk"))
        return rows.filter(Exists(credited) if value else ~Exists(credited))


class ReferralFilter(filters.FilterSet):
    campaign = IdFilter(prefix="cmp", field_name="campaign_id")
    advocate = IdFilter(prefix="ptc", field_name="advocate_id")
    friend = IdFilter(prefix="ptc", field_name="friend_id")
    status = ChoiceFilter(choices=Referral.Status.choices)
    way = ChoiceFilter(choices=Referral.Way.choices)
    marked = YesOrNoFilter(method="by_marks")
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Referral
        fields: list[str] = []

    def by_marks(self, rows, name, value):  # type: ignore[no-untyped-def]
        return rows.exclude(marks=[]) if value else rows.filter(marks=[])


class RefusedClaimFilter(filters.FilterSet):
    campaign = IdFilter(prefix="cmp", field_name="campaign_id")
    friend = IdFilter(prefix="ptc", field_name="friend_id")
    advocate = IdFilter(prefix="ptc", field_name="advocate_id")
    way = ChoiceFilter(choices=Referral.Way.choices)
    reason = ChoiceFilter(choices=[(code, code) for code in REFUSALS])
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = RefusedClaim
        fields: list[str] = []


class EventFilter(filters.FilterSet):
    campaign = IdFilter(prefix="cmp", field_name="campaign_id")
    participant = IdFilter(prefix="ptc", field_name="participant_id")
    referral = IdFilter(prefix="ref", field_name="referral_id")
    event_id = filters.CharFilter()
    name = filters.CharFilter()
    source = filters.CharFilter()
    reverses = filters.CharFilter()
    outcome = ChoiceFilter(choices=Event.Outcome.choices)
    counts = YesOrNoFilter()
    occurred_after = MomentFilter(field_name="occurred_at", lookup_expr="gte")
    occurred_before = MomentFilter(field_name="occurred_at", lookup_expr="lt")

    class Meta:
        model = Event
        fields: list[str] = []


class ImportFilter(filters.FilterSet):
    campaign = IdFilter(prefix="cmp", field_name="campaign_id")
    kind = ChoiceFilter(choices=Import.Kind.choices)
    status = ChoiceFilter(choices=Import.Status.choices)

    class Meta:
        model = Import
        fields: list[str] = []
