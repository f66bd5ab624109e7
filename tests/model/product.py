"""The same campaign in the product, driven and read by its services."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from referrals.event_rows import read_event
from referrals.models import Event, Referral, ReferralChange
from referrals.services.campaigns import change_campaign, move_clock
from referrals.services.clicks import record_click
from referrals.services.events import (
    Recorded,
    Refusal,
    Report,
    preview_events,
    record_events,
)
from referrals.services.referrals import (
    disqualify_referral,
    qualify_referral,
    reconsider_referral,
    settle_campaign,
)
from rewards.models import Reward
from rewards.services.issuing import issue_reward
from rewards.services.reviewing import approve_reward, reject_reward, review_rewards
from tests.factories import make_campaign, make_participant, make_rule
from tests.model.world import Rules, Said
from tests.steps import NOON, enrol

# Rewards above 50.00 wait for a person.
AMOUNTS = {"advocate": Decimal(10), "friend": Decimal(60)}
SIDES: dict[str, set[str]] = {"advocate": set(), "friend": {"amount_over_limit"}}
ADVOCATE = "advocate"


def columns(rules: Rules) -> dict[str, Any]:
    return {
        "milestone_event": rules.event,
        "milestone_minimum": rules.minimum,
        "milestone_condition": rules.condition,
        "milestone_count": rules.count,
        "milestone_sum": rules.sum,
        "milestone_within_days": rules.within_days,
        "holding_days": rules.holding_days,
        "match_days": rules.match_days,
        "reversal_events": list(rules.reversals),
        "reversal_policy": rules.policy,
    }


def raw(said: Said, now: datetime) -> dict[str, Any]:
    """As it comes over the wire."""
    body: dict[str, Any] = {
        "event_id": said.id,
        "name": said.name,
        "participant": {"external_id": said.who},
    }
    if said.amount is not None:
        body |= {"amount": str(said.amount), "currency": said.currency}
    if said.at is not None:
        body["occurred_at"] = (now + said.at).isoformat()
    if said.plan:
        body["properties"] = {"plan": said.plan}
    if said.reverses:
        body["reverses"] = said.reverses
    return body


class Product:
    """The wall clock stands at NOON; the campaign's own moves."""

    def __init__(self, rules: Rules) -> None:
        self.campaign = make_campaign(currency="USD", **columns(rules))
        for side, amount in AMOUNTS.items():
            make_rule(campaign=self.campaign, side=side, amount=amount)
        self.advocate = make_participant(
            campaign=self.campaign,
            external_id=ADVOCATE,
            email=None,
            created_at=NOON,
        )

    def now(self) -> datetime:
        return self.campaign.now(NOON)

    def pass_time(self, how_long: timedelta, *, settle: bool) -> None:
        move_clock(self.campaign, to=self.now() + how_long, wall=NOON)
        if settle:
            self.settle()

    def settle(self) -> None:
        settle_campaign(self.campaign, wall=NOON)

    def change_rules(self, rules: Rules) -> None:
        self.campaign = change_campaign(self.campaign, **columns(rules))

    def enrol(self, who: str) -> None:
        enrol(self.campaign, external_id=who)

    def refer(self, who: str, clicked: timedelta | None = None) -> None:
        if clicked is None:
            enrol(self.campaign, external_id=who, by_code=self.advocate.code)
            return
        self.advocate.campaign = self.campaign
        click = record_click(
            self.advocate,
            address=None,
            user_agent="",
            parameters={},
            wall=NOON - clicked,
        )
        enrol(self.campaign, external_id=who, by_click=click.public_id)

    def report(self, said: Sequence[Said]) -> list[str]:
        return outcomes(record_events(self.campaign, self._read(said), wall=NOON))

    def preview(self, said: Sequence[Said]) -> list[str]:
        return outcomes(preview_events(self.campaign, self._read(said), wall=NOON))

    def _read(self, said: Sequence[Said]) -> list[Report]:
        reports = [read_event(raw(each, self.now())) for each in said]
        assert all(isinstance(each, Report) for each in reports), reports
        return [each for each in reports if isinstance(each, Report)]

    # --- What a person does ---------------------------------------------------------

    def referral(self, who: str) -> Referral:
        return Referral.objects.select_related("campaign", "friend", "advocate").get(
            campaign=self.campaign, friend__external_id=who
        )

    def disqualify(self, who: str) -> None:
        referral = self.referral(who)
        disqualify_referral(
            referral, now=self.now(), reason="No friend of ours.", by="user:ops"
        )

    def reopen(self, who: str) -> None:
        referral = self.referral(who)
        reconsider_referral(
            referral, by="user:ops", wall=NOON, reason="A friend after all."
        )

    def qualify(self, who: str) -> None:
        referral = self.referral(who)
        qualify_referral(referral, now=self.now(), reason="A friend.", by="user:ops")

    def review(self) -> None:
        review_rewards(wall=NOON)

    def approve(self, who: str, side: str) -> None:
        approve_reward(self._reward(who, side), by="user:ops", wall=NOON)

    def reject(self, who: str, side: str) -> None:
        reject_reward(self._reward(who, side), by="user:ops", wall=NOON, note="No.")

    def issue(self, who: str, side: str) -> None:
        issue_reward(self._reward(who, side), by="user:ops", wall=NOON, reference="1")

    def _reward(self, who: str, side: str) -> Reward:
        rows = Reward.objects.select_related("campaign", "recipient", "referral")
        return rows.get(
            campaign=self.campaign, referral__friend__external_id=who, side=side
        )

    # --- How it stands --------------------------------------------------------------

    def read(self) -> "Rows":
        """One look at each table."""
        mine = {"campaign": self.campaign}
        return Rows(
            now=self.now(),
            events=rows_of(Event.objects.filter(**mine), EVENT),
            referrals=rows_of(Referral.objects.filter(**mine), REFERRAL),
            changes=rows_of(
                ReferralChange.objects.filter(referral__campaign=self.campaign), CHANGE
            ),
            rewards=rows_of(Reward.objects.filter(**mine), REWARD),
        )


EVENT = ("event_id", "outcome", "counts", "rules_version", "decision")
REFERRAL = (
    "pk",
    "status",
    "friend__external_id",
    "milestone_event__event_id",
    "expires_at",
    "holds_until",
    "qualified_at",
)
CHANGE = ("referral_id", "from_status", "to_status", "at", "event__event_id")
REWARD = ("referral_id", "side", "status", "disputed_at", "reasons")

Row = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    now: datetime
    events: list[Row]
    referrals: list[Row]
    changes: list[Row]
    rewards: list[Row]


def rows_of(rows: QuerySet[Any], columns: tuple[str, ...]) -> list[Row]:
    return list(rows.order_by("id").values(*columns))


def outcomes(answers: Sequence[Recorded | Refusal]) -> list[str]:
    return [
        each.code if isinstance(each, Refusal) else each.outcome for each in answers
    ]
