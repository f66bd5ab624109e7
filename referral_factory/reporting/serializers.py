"""Reports as the API shows them. They are read only, and made from plain mappings."""

from typing import Any

from rest_framework import serializers
from rest_framework.fields import Field

from referral_factory.reporting.definitions import (
    NUMBERS,
    RATE,
    RATE_DEFINITION,
    SERIES,
    Number,
)
from referral_factory.reporting.periods import Interval
from referral_factory.reporting.reports import Numbers
from referral_factory.wire import IdField, MomentField, MoneyField

Fields = dict[str, Field[Any, Any, Any, Any]]


class SumSerializer(serializers.Serializer[Any]):
    amount = MoneyField()
    currency = serializers.CharField()


class CountSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()


class MoneyCountSerializer(CountSerializer):
    """A count with its money, summed for each currency by itself."""

    amounts = SumSerializer(many=True, source="money")


class RateSerializer(serializers.Serializer[Any]):
    """Qualified for each referred friend, with the two numbers that it comes from."""

    rate = serializers.FloatField()
    qualified = serializers.IntegerField()
    referred = serializers.IntegerField()

    def to_representation(self, numbers: Numbers) -> dict[str, Any]:
        return {
            "rate": float(numbers.rate),
            "qualified": numbers["qualified"].count,
            "referred": numbers["referred"].count,
        }


def _count_of(number: Number) -> serializers.Serializer[Any]:
    kind = MoneyCountSerializer if number.money else CountSerializer
    return kind(help_text=number.definition)


class NumbersSerializer(serializers.Serializer[Any]):
    """Every number of a period, each as its definition says."""

    def get_fields(self) -> Fields:
        counts: Fields = {number.name: _count_of(number) for number in NUMBERS}
        return {**counts, RATE: RateSerializer(source="*", help_text=RATE_DEFINITION)}


class PastNumbersSerializer(NumbersSerializer):
    """The same without what is only known as it stands now."""

    def get_fields(self) -> Fields:
        standing = {number.name for number in NUMBERS if not number.moment}
        fields = super().get_fields()
        return {name: fields[name] for name in fields if name not in standing}


class DaysSerializer(serializers.Serializer[Any]):
    """Whole days of a time zone, the first and the last included."""

    def get_fields(self) -> Fields:
        days: Fields = {
            "from": serializers.DateField(source="first"),
            "to": serializers.DateField(source="last"),
        }
        return {**days, **super().get_fields()}


class ReportSerializer(DaysSerializer):
    """What every report says of itself."""

    campaign = IdField("cmp", allow_null=True)  # null: all that the key may see
    tz = serializers.CharField()
    updated_at = MomentField()


class CampaignNumbersSerializer(serializers.Serializer[Any]):
    campaign = IdField("cmp")
    name = serializers.CharField()
    numbers = NumbersSerializer()


class PreviousSerializer(DaysSerializer):
    numbers = PastNumbersSerializer()


class SummarySerializer(ReportSerializer):
    numbers = NumbersSerializer()
    previous = PreviousSerializer(allow_null=True)  # null: not asked for
    campaigns = CampaignNumbersSerializer(many=True)


class BucketSerializer(DaysSerializer):
    """A day, week or month, or the part of it that the period covers."""

    complete = serializers.BooleanField(
        help_text="False where the period cuts it short, and while it still runs."
    )

    def get_fields(self) -> Fields:
        return {**super().get_fields(), **{n.name: _count_of(n) for n in SERIES}}


class TimeseriesSerializer(ReportSerializer):
    interval = serializers.ChoiceField(choices=[str(each) for each in Interval])
    buckets = BucketSerializer(many=True)
    previous = BucketSerializer(many=True, allow_null=True)  # null: not asked for
