"""What a list of people can be narrowed by: each question is answered by an index."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from referral_factory.admin_filters import Between, Choice
from referrals.models import Participant, Referral

People = QuerySet[Participant]


class SourceFilter(Choice):
    title = "source"
    parameter_name = "source"
    ANSWERS = tuple(Participant.Source.choices)

    def queryset(self, request: HttpRequest, queryset: People) -> People:
        source = self.value()
        return queryset.filter(source=source) if source else queryset


class EnrolledFilter(Between):
    NAME = "day of enrolment"


class ReferredFilter(Choice):
    title = "referral"
    parameter_name = "referred"
    ANSWERS = (("yes", "Referred by somebody"), ("no", "Came by themselves"))

    def queryset(self, request: HttpRequest, queryset: People) -> People:
        brought = Exists(Referral.objects.filter(friend=OuterRef("pk")))
        asked: dict[str | None, Any] = {"yes": brought, "no": ~brought}
        return (
            queryset.filter(asked[self.value()]) if self.value() in asked else queryset
        )


class ConfirmedFilter(Choice):
    title = "confirmed mailbox"
    parameter_name = "confirmed"
    ANSWERS = (("yes", "Yes"), ("no", "Not yet"))

    def queryset(self, request: HttpRequest, queryset: People) -> People:
        unknown = {"yes": False, "no": True}.get(self.value() or "")
        if unknown is None:
            return queryset
        return queryset.filter(confirmed_at__isnull=unknown)
