"""What lists can be narrowed down by."""

from django_filters import rest_framework as filters

from referral_factory.access.filters import ChoiceFilter, IdFilter
from webhooks.catalogue import MESSAGE_TYPES
from webhooks.models import Arrival, Delivery, Endpoint, Message, Source


class EndpointFilter(filters.FilterSet):
    status = ChoiceFilter(choices=Endpoint.Status.choices)

    class Meta:
        model = Endpoint
        fields: list[str] = []


class DeliveryFilter(filters.FilterSet):
    status = ChoiceFilter(choices=Delivery.Status.choices)
    message = IdFilter(prefix="msg", field_name="message_id")

    class Meta:
        model = Delivery
        fields: list[str] = []


class MessageFilter(filters.FilterSet):
    after = filters.NumberFilter(
        field_name="position",
        lookup_expr="gt",
        min_value=0,
        max_value=2**63 - 1,
        decimal_places=0,
    )
    type = ChoiceFilter(choices=[(name, name) for name in MESSAGE_TYPES])
    campaign = IdFilter(prefix="cmp", field_name="campaign_id")

    class Meta:
        model = Message
        fields: list[str] = []


class SourceFilter(filters.FilterSet):
    campaign = IdFilter(prefix="cmp", field_name="campaign_id")
    verification = ChoiceFilter(choices=Source.Verification.choices)

    class Meta:
        model = Source
        fields: list[str] = []


class ArrivalFilter(filters.FilterSet):
    status = ChoiceFilter(choices=Arrival.Status.choices)
    road = ChoiceFilter(choices=Arrival.Road.choices)

    class Meta:
        model = Arrival
        fields: list[str] = []
