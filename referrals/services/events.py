"""What a customer's system reports, judged once and explained."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from referral_factory.errors import InvalidInput
from referral_factory.ids import InvalidId, from_public
from referrals.facts import Facts, Milestone, ReferralFacts
from referrals.mailboxes import canonical, clean
from referrals.milestones import milestone_of
from referrals.models import Campaign, Event, Participant, Referral
from referrals.qualification import CLOCKS_DIFFER, Decision, decide
from referrals.services.campaigns import CampaignNotOpen
from referrals.services.codes import owners_of
from referrals.services.locks import (
    email_name,
    external_id_name,
    lock_names,
    names_of,
)
from referrals.services.referrals import (
    hold_referral,
    qualify_referral,
    settle_referral,
)
from referrals.services.reversals import (
    net_facts,
    reversals_of,
    reverse_event,
)
from referrals.signals import event_unmatched

Outcome = Event.Outcome


@dataclass(frozen=True)
class Report:
    """An event as it was reported. `participant` holds exactly one name of theirs:
    `id`, `code`, `external_id` or `email`."""

    event_id: str
    name: str
    participant: dict[str, str]
    occurred_at: datetime | None = None
    amount: Decimal | None = None
    currency: str = ""
    reverses: str = ""
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded:
    event: Event
    repeated: bool  # it was known before: nothing happened this time

    @property
    def outcome(self) -> str:
        return "duplicate" if self.repeated else self.event.outcome


@dataclass(frozen=True)
class Refusal:
    """Nothing of this row was kept, and why."""

    error: InvalidInput

    @property
    def code(self) -> str:
        return self.error.code

    @property
    def detail(self) -> str:
        return str(self.error)

    @property
    def pointer(self) -> str:
        return self.error.pointer


@transaction.atomic
def record_events(
    campaign: Campaign,
    reports: Sequence[Report],
    *,
    wall: datetime,
    source: str = "api",
) -> list[Recorded | Refusal]:
    """Record events in their order; an answer for each. What is refused is not kept."""
    answers: list[Recorded | Refusal] = []
    for report in reports:
        try:
            answers.append(record_event(campaign, report, wall=wall, source=source))
        except InvalidInput as refusal:
            answers.append(Refusal(refusal))
    return answers


def preview_events(
    campaign: Campaign, reports: Sequence[Report], *, wall: datetime
) -> list[Recorded | Refusal]:
    """What record_events would decide; nothing is written."""
    with transaction.atomic():
        answers = record_events(campaign, reports, wall=wall)
        transaction.set_rollback(True)
    return answers


@transaction.atomic
def record_event(
    campaign: Campaign, report: Report, *, wall: datetime, source: str = "api"
) -> Recorded:
    """Store an event and decide, once, what it means for its person's referral.

    Systems retry, so a known `event_id` changes nothing and returns what was decided
    then. An event of somebody unknown is kept, and judged when they arrive.
    """
    if campaign.status == Campaign.Status.DRAFT:
        raise CampaignNotOpen("The campaign was not launched yet.", current="draft")
    _refuse_to_reverse_itself(report)
    now = campaign.now(wall)
    occurred_at = _not_in_the_future(report.occurred_at or now, now)
    participant, person = _find_person(campaign, report.participant)
    fresh = Event(
        campaign=campaign,
        event_id=report.event_id,
        source=source,
        name=report.name,
        person="" if participant else person,
        participant=participant,
        amount=report.amount,
        currency=report.currency,
        properties={} if _erased(participant) else report.properties,
        reverses=report.reverses,
        occurred_at=occurred_at,
        received_at=now,
        outcome=Outcome.UNMATCHED,
    )
    Event.objects.bulk_create([fresh], ignore_conflicts=True)
    known = Event.objects.filter(campaign=campaign, event_id=report.event_id)
    if known.values_list("pk", flat=True).get() != fresh.pk:
        return Recorded(known.get(), repeated=True)
    _judge(fresh, wall=wall)
    return Recorded(fresh, repeated=False)


def match_events_of_person(participant: Participant, *, wall: datetime) -> int:
    """Judge what was reported about somebody before they were enrolled.

    Returns how many events that were.
    """
    strangers = Event.objects.filter(
        campaign=participant.campaign_id,
        person__in=names_of(participant),
        participant=None,
        outcome=Outcome.UNMATCHED,
    )
    early = list(strangers.order_by("occurred_at", "id"))
    if early:
        strangers.update(participant=participant, person="")
    _judge_again(early, participant, wall)
    return len(early)


def match_events_of_referral(referral: Referral, *, wall: datetime) -> None:
    """Judge what a friend did before we heard who had referred them."""
    unmatched = referral.friend.events.filter(outcome=Outcome.UNMATCHED)
    early = list(unmatched.order_by("occurred_at", "id"))
    _judge_again(early, referral.friend, wall)


def _judge_again(events: list[Event], participant: Participant, wall: datetime) -> None:
    for event in events:
        event.campaign, event.participant = participant.campaign, participant
        _judge(event, wall=wall, first_time=False)


def _judge(event: Event, *, wall: datetime, first_time: bool = True) -> None:
    milestone = milestone_of(event.campaign)
    now = event.campaign.now(wall)
    referral = None
    if event.participant:
        referral = settle_referral(event.campaign, wall=wall, friend=event.participant)
    if referral and event.participant:
        referral.friend = event.participant
    reversals = reversals_of(event)
    if event.reverses or event.name in milestone.reversal_events:
        reverse_event(event, referral, milestone, wall=wall)
    else:
        _judge_report(event, reversals, referral, milestone, now)
    waiting = [each for each in reversals if each.outcome == Outcome.UNMATCHED]
    for reversal in waiting if event.participant else ():
        reverse_event(reversal, referral, milestone, wall=wall)
    if event.outcome == Outcome.UNMATCHED and first_time:
        event_unmatched.send(sender=Event, instances=[event])


def _judge_report(
    event: Event,
    reversals: list[Event],
    referral: Referral | None,
    milestone: Milestone,
    now: datetime,
) -> None:
    facts = Facts(
        event=net_facts(event, reversals),
        person_known=event.participant is not None,
        referral=_referral_facts(referral) if referral else None,
    )
    decision = decide(facts, milestone, now)
    event.keep_decision(
        decision.outcome, decision.explanation(), milestone.as_json(), referral
    )
    if referral:
        _apply(decision, event, referral, now)


def _referral_facts(referral: Referral) -> ReferralFacts:
    return ReferralFacts(
        referral.status, referral.created_at, referral.expires_at, referral.clicked_at
    )


def _apply(decision: Decision, event: Event, referral: Referral, now: datetime) -> None:
    if decision.outcome == Outcome.QUALIFIED:
        qualify_referral(referral, now=now, milestone_event_id=event.pk)
    elif decision.outcome == Outcome.HOLDING and decision.holds_until:
        hold_referral(referral, until=decision.holds_until, event=event)


def _refuse_to_reverse_itself(report: Report) -> None:
    if report.reverses == report.event_id:
        raise InvalidInput("/reverses", "An event cannot take itself back.")


def _not_in_the_future(occurred_at: datetime, now: datetime) -> datetime:
    if occurred_at > now + CLOCKS_DIFFER:
        raise InvalidInput(
            "/occurred_at",
            f"That is in the future: it is {now.isoformat()} in this campaign.",
            "in_the_future",
        )
    return occurred_at


def lookup_of(named: dict[str, str]) -> dict[str, Any]:
    """The columns that one name of a person is looked up by."""
    ((kind, value),) = named.items()
    if kind == "id":
        return {"pk": _uuid(value)}
    if kind == "code":
        return {"pk__in": owners_of(value)}
    if kind == "email":
        return {"email_canonical": canonical(clean(value, "/participant/email"))}
    return {"external_id": value}


def _find_person(
    campaign: Campaign, named: dict[str, str]
) -> tuple[Participant | None, str]:
    """The participant, locked, and the name to remember where there is none yet.

    Ids and codes are ours: an unknown one can never arrive later, so it is refused.
    """
    lookup = lookup_of(named)
    rows = Participant.objects.filter(campaign=campaign, **lookup)
    rows = rows.select_for_update(no_key=True)
    found, person = rows.first(), _name(lookup)
    if found is None and not person:
        kind = next(iter(named))
        raise InvalidInput(
            f"/participant/{kind}",
            f"No participant of this campaign has this {kind}.",
            "unknown",
        )
    if found is None:
        lock_names(campaign, [person])
        found = rows.all().first()  # they may have been enrolled while we waited
    if found:
        found = _present(found)
        found.campaign = campaign
    return found, person


def _present(found: Participant) -> Participant:
    """Who somebody turned out to be, locked, where they were merged into another."""
    while found.merged_into_id:
        rows = Participant.objects.select_for_update(no_key=True)
        found = rows.get(pk=found.merged_into_id)
    return found


def _erased(participant: Participant | None) -> bool:
    """What they do counts as before; what it was is nobody's to keep."""
    gone = Participant.Status.ERASED
    return participant is not None and participant.status == gone


def _name(lookup: dict[str, Any]) -> str:
    if "email_canonical" in lookup:
        return email_name(lookup["email_canonical"])
    if "external_id" in lookup:
        return external_id_name(lookup["external_id"])
    return ""


def _uuid(value: str) -> UUID:
    try:
        return from_public("ptc", value)
    except InvalidId as error:
        raise InvalidInput("/participant/id", str(error)) from error
