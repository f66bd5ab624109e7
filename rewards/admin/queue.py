"""The review queue: flagged rewards, oldest first, each with its evidence."""

import copy
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Q, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from referral_factory.admin_base import NoteForm, display
from referral_factory.admin_verbs import actor
from referral_factory.templatetags.admin_words import length_of_time
from rewards.admin import verbs
from rewards.admin.evidence import waiting_time
from rewards.admin.rewards import RewardPages
from rewards.models import FlaggedReward, Reward
from rewards.services.reviewing import approvals_needed
from rewards.telling import LABELS, label_of

LATE = timedelta(days=1)  # somebody waits for their reward
VERY_LATE = timedelta(days=3)


class ReasonFilter(admin.SimpleListFilter):
    title = "reason"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, str(label)) for code, label in LABELS.items()]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Reward]
    ) -> QuerySet[Reward]:
        code = self.value()
        return queryset.filter(reasons__contains=[{"code": code}]) if code else queryset


class ApprovalsFilter(admin.SimpleListFilter):
    title = "approvals"
    parameter_name = "approvals"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("half", "Waiting for a second person"), ("none", "None yet")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Reward]
    ) -> QuerySet[Reward]:
        asked = {"half": ~Q(first_approver=""), "none": Q(first_approver="")}
        return queryset.filter(asked.get(self.value() or "", Q()))


@admin.register(FlaggedReward)
class FlaggedRewardAdmin(RewardPages):
    list_display = ("money", "to", "why", "waits", "campaign", "approvals")
    list_filter = (ReasonFilter, "campaign", "side", ApprovalsFilter)
    ordering = ("id",)
    empty = "Nothing waits for you: flagged rewards turn up here by themselves."
    show_full_result_count = True  # an index holds nothing else
    verbs = (verbs.APPROVE, verbs.REJECT)
    list_after_template = "admin/rewards/keys.html"

    class Media:
        js = ("admin_queue.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if self._names_rows(request):  # also those that were decided meanwhile
            return rows.select_related(*self.list_select_related)
        return rows.filter(status=Reward.Status.FLAGGED)

    def decision_context(self, request: HttpRequest, reward: Reward) -> dict[str, Any]:
        line = self._line(request)
        return {
            "in_queue": True,
            "was_first": reward.first_approver == actor(request),
            "reject_form": verbs.RejectForm(),
            "approve_form": NoteForm(),
            "next_address": self._place(request, self._after(line, reward)),
            "previous_address": self._place(request, self._before(line, reward)),
            "left": line.count(),
        }

    def after(self, request: HttpRequest, row: Any, done: bool, back: str) -> str:
        """On to the next in line; people decide one after the other."""
        if not done:
            return back
        following = self._after(self._line(request), row)
        if following is None:
            messages.info(request, "That was the last one of this list.")
            return self.list_address(request)
        return self._place(request, following)

    @display(description="Reasons", label=True)
    def why(self, reward: Reward) -> list[str]:
        return [label_of(str(reason.get("code", ""))) for reason in reward.reasons]

    @display(
        description="Waiting",
        ordering="id",
        label={"late": "warning", "very": "danger"},
    )
    def waits(self, reward: Reward) -> tuple[str, str]:
        waiting = waiting_time(reward, timezone.now())
        words = length_of_time(waiting)
        if waiting >= VERY_LATE:
            return ("very", words)
        return ("late" if waiting >= LATE else words, words)

    @display(description="Approvals")
    def approvals(self, reward: Reward) -> str:
        needed = approvals_needed(reward)
        return f"{1 if reward.first_approver else 0} of {needed}"

    def _names_rows(self, request: HttpRequest) -> bool:
        """Whether it is about rows that were seen before, not about what waits now."""
        match = request.resolver_match
        about_one = match is not None and "object_id" in match.kwargs
        return about_one or "apply" in request.POST

    def _line(self, request: HttpRequest) -> QuerySet[Any]:
        """The queue as the list showed it: with the filters that the address keeps."""
        asked = copy.copy(request)
        kept = QueryDict(self.get_preserved_filters(request))
        asked.GET = QueryDict(kept.get("_changelist_filters", ""))
        try:
            rows = self.get_changelist_instance(asked).queryset
        except IncorrectLookupParameters:
            rows = self.model._default_manager.all()
        return rows.filter(status=Reward.Status.FLAGGED).order_by("pk")

    def _after(self, line: QuerySet[Any], row: Any) -> Any:
        others = line.exclude(pk=row.pk)
        return others.filter(pk__gt=row.pk).first() or others.first()

    def _before(self, line: QuerySet[Any], row: Any) -> Any:
        others = line.exclude(pk=row.pk)
        return others.filter(pk__lt=row.pk).last() or others.last()

    def _place(self, request: HttpRequest, row: Any) -> str:
        return self._keeping_filters(request, self.address(row)) if row else ""
