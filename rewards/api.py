"""Doors to reward rules and rewards."""

from datetime import datetime
from typing import Protocol

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory.access.viewsets import ApiViewSet, visible_to
from referral_factory.ids import InvalidId, from_public
from referrals.models import Campaign
from rewards.filters import RewardFilter
from rewards.inputs import (
    IssueInput,
    NoteInput,
    OptionalNoteInput,
    RuleChangeInput,
    RuleInput,
)
from rewards.models import Reward, RewardRule
from rewards.serializers import (
    ApprovedRewardSerializer,
    RewardRuleSerializer,
    RewardSerializer,
)
from rewards.services import issuing, reviewing, rules


class Decide(Protocol):
    def __call__(
        self, reward: Reward, /, *, by: str, wall: datetime, note: str
    ) -> Reward: ...


class CampaignRuleViewSet(mixins.ListModelMixin, ApiViewSet):
    """The reward rules of one campaign."""

    resource = "campaigns"
    serializer_class = RewardRuleSerializer
    inputs = {"create": RuleInput}

    def get_queryset(self) -> QuerySet[RewardRule]:
        rules_of = self.visible(RewardRule.objects.filter(retired_at=None))
        if getattr(self, "swagger_fake_view", False):
            return rules_of
        return rules_of.filter(campaign=self.campaign())

    def create(self, request: Request, campaign_id: str) -> Response:
        """Add a rule: what an advocate or a friend earns when a referral qualifies."""
        campaign = self.campaign()
        given = self.validated(RuleInput)
        rule = rules.create_rule(
            campaign,
            side=given["side"],
            amount=given["amount"],
            currency=given["currency"],
            by=self.actor,
        )
        return Response(RewardRuleSerializer(rule).data, status.HTTP_201_CREATED)

    def campaign(self) -> Campaign:
        try:
            pk = from_public("cmp", self.kwargs["campaign_id"])
        except InvalidId as error:
            raise Http404 from error
        rows = visible_to(self.key, Campaign.objects.all(), path="")
        return get_object_or_404(rows, pk=pk)


class RuleViewSet(mixins.RetrieveModelMixin, ApiViewSet):
    """Reward rules. Every change is a new version; what was granted keeps its own."""

    resource = "campaigns"
    prefix = "rul"
    serializer_class = RewardRuleSerializer
    inputs = {"partial_update": RuleChangeInput}

    def get_queryset(self) -> QuerySet[RewardRule]:
        return self.visible(RewardRule.objects.all())

    def partial_update(self, request: Request, public_id: str) -> Response:
        rule = self.get_object()
        given = self.validated(RuleChangeInput, currency=rule.currency)
        changed = rules.change_rule(rule, amount=given["amount"], by=self.actor)
        return Response(RewardRuleSerializer(changed).data)

    def destroy(self, request: Request, public_id: str) -> Response:
        """Retire it: it grants nothing more, and what it granted stays."""
        rules.retire_rule(self.get_object(), wall=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class RewardViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Rewards: what people earned. `?status=flagged` is the review queue."""

    resource = "rewards"
    prefix = "rwd"
    scopes = {
        "approve": "rewards:review",
        "reject": "rewards:review",
        "reopen": "rewards:review",
        "issue": "rewards:issue",
        "claw_back": "rewards:issue",
    }
    serializer_class = RewardSerializer
    inputs = {
        "approve": OptionalNoteInput,
        "reject": NoteInput,
        "reopen": NoteInput,
        "issue": IssueInput,
        "cancel": NoteInput,
        "claw_back": NoteInput,
    }
    filterset_class = RewardFilter

    def get_queryset(self) -> QuerySet[Reward]:
        rows = self.visible(Reward.objects.select_related("campaign"))
        return RewardSerializer.prepare(rows)

    @extend_schema(responses=ApprovedRewardSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, public_id: str) -> Response:
        """Say yes to a flagged reward. Above a limit, a second person must, too."""
        reward = self.get_object()
        note = self.validated(OptionalNoteInput).get("note", "")
        decided = reviewing.approve_reward(
            reward, by=self.actor, wall=timezone.now(), note=note
        )
        needed = reviewing.approvals_needed(decided)
        given = needed if decided.status != Reward.Status.FLAGGED else 1
        approvals = {"approvals": given, "needed": needed}
        return Response({**RewardSerializer(decided).data, **approvals})

    @action(detail=True, methods=["post"])
    def reject(self, request: Request, public_id: str) -> Response:
        """Say no to a flagged reward, with the reason."""
        return self._with_note(reviewing.reject_reward)

    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, public_id: str) -> Response:
        """Put a rejected reward back into the queue, with the reason."""
        return self._with_note(reviewing.reopen_reward)

    @action(detail=True, methods=["post"])
    def issue(self, request: Request, public_id: str) -> Response:
        """Say that it was handed over, under your reference."""
        reward = self.get_object()
        reference = self.validated(IssueInput)["reference"]
        issued = issuing.issue_reward(
            reward, by=self.actor, wall=timezone.now(), reference=reference
        )
        return Response(RewardSerializer(issued).data)

    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, public_id: str) -> Response:
        """End a reward that was never issued, with the reason."""
        return self._with_note(issuing.cancel_reward)

    @action(detail=True, methods=["post"], url_path="claw-back")
    def claw_back(self, request: Request, public_id: str) -> Response:
        """Take back, whole, what was issued, with the reason."""
        return self._with_note(issuing.claw_back_reward)

    def _with_note(self, service: Decide) -> Response:
        reward = self.get_object()
        note = self.validated(NoteInput)["note"]
        decided = service(reward, by=self.actor, wall=timezone.now(), note=note)
        return Response(RewardSerializer(decided).data)
