"""Rewards: read-only rows, changed by verbs."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from referral_factory import money
from referral_factory.admin_base import COLOURS, Admin, display
from referral_factory.templatetags.admin_words import moment
from referrals.search import people
from rewards.admin import verbs
from rewards.admin.evidence import gather
from rewards.models import Reward


class NeedsAPerson(admin.SimpleListFilter):
    """Issued, and the referral stopped counting: claw it back, or let it be."""

    title = "needs a person"
    parameter_name = "disputed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Issued, but the referral no longer counts")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Reward]
    ) -> QuerySet[Reward]:
        if self.value() != "yes":
            return queryset
        return queryset.filter(status=Reward.Status.ISSUED, disputed_at__isnull=False)


class RewardPages(Admin):
    """What the lists of rewards and their pages have in common."""

    names = ("reward", "rewards")
    list_select_related = (
        "campaign",
        "recipient",
        "referral__advocate",
        "referral__friend",
    )
    search_help_text = "Start of an e-mail or external id, a code, or rwd_…"
    search_fields = ("pk",)  # shows the box; see `find`

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("rewards.view_reward"))

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(recipient__in=people(term))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        reward = self.get_object(request, object_id)
        if request.method not in {"GET", "HEAD"} or not self.has_view_permission(
            request
        ):
            raise PermissionDenied
        if reward is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        context = {
            **self.admin_site.each_context(request),
            **self.row_context(request, reward),
            **self.decision_context(request, reward),
            "opts": self.opts,
            "original": reward,
            "title": str(reward),
            "evidence": gather(reward, wall=timezone.now()),
            "back": self.list_address(request),
        }
        return TemplateResponse(request, "admin/rewards/evidence.html", context)

    def decision_context(self, request: HttpRequest, reward: Reward) -> dict[str, Any]:
        return {}

    @display(description="Amount", ordering="amount")
    def money(self, reward: Reward) -> str:
        return money.for_people(reward.amount, reward.currency)

    @display(description="Status", ordering="status", label=COLOURS)
    def state(self, reward: Reward) -> str | tuple[str, str]:
        return (reward.status, reward.get_status_display())

    @display(description="Recipient")
    def to(self, reward: Reward) -> str:
        return f"{reward.recipient} ({reward.side})"

    @display(description="Granted", ordering="id")
    def granted(self, reward: Reward) -> str:
        return moment(reward.created_at)


@admin.register(Reward)
class RewardAdmin(RewardPages):
    list_display = ("money", "to", "state", "campaign", "reference", "granted")
    list_filter = (NeedsAPerson, "status", "campaign", "side")
    ordering = ("-id",)
    empty = "Rewards are granted when a referral qualifies, by the campaign's rules."
    verbs = (
        verbs.APPROVE,
        verbs.REJECT,
        verbs.REOPEN,
        verbs.ISSUE,
        verbs.CANCEL,
        verbs.CLAW_BACK,
    )
