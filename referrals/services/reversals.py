"""Taking an event back: a refund, a chargeback, a cancelled order."""

from datetime import datetime
from decimal import Decimal

from referrals.facts import Check, EventFacts, Milestone
from referrals.models import Event, Referral
from referrals.qualification import decide_reversal
from referrals.services.referrals import (
    disqualify_referral,
    reopen_referral,
    settle_referral,
)

Outcome = Event.Outcome
Status = Referral.Status


def reversals_of(event: Event) -> list[Event]:
    """What was reported to take this event back, in either order of arrival."""
    rows = Event.objects.filter(campaign=event.campaign_id, reverses=event.event_id)
    known = rows.filter(
        participant__isnull=False, outcome__in=[Outcome.REVERSED, Outcome.UNMATCHED]
    )
    return list(known.select_related("campaign").order_by("occurred_at", "id"))


def net_facts(event: Event, reversals: list[Event]) -> EventFacts:
    """The event's facts after its reversals. One without an amount takes all back."""
    parts = [each.amount for each in reversals if _refusal(each, event) is None]
    taken = sum((part for part in parts if part is not None), Decimal(0))
    return EventFacts(
        name=event.name,
        amount=event.amount,
        currency=event.currency,
        occurred_at=event.occurred_at,
        taken_back=taken,
        wholly_taken_back=None in parts or bool(parts and taken >= (event.amount or 0)),
    )


def reverse_event(
    reversal: Event, referral: Referral | None, milestone: Milestone, *, wall: datetime
) -> None:
    """Judge the net facts of what this takes back, and move its referral.

    Without `reverses`, it takes back what settled the person's referral. What it
    takes back, or whom either is about, may not be known yet: then it is kept, and
    judged when they are.
    """
    target = _target(reversal, referral)
    if missing := _missing(reversal, target):
        _keep(reversal, Outcome.UNMATCHED, [missing], milestone, None)
        return
    assert target is not None  # noqa: S101 - it is not missing
    reversal.reverses = target.event_id
    refusal = _refusal(reversal, target)
    if refusal:
        _keep(reversal, Outcome.NOT_MATCHED, [refusal], milestone, target.referral)
        return
    _take_back(reversal, target, milestone, wall)


def _take_back(
    reversal: Event, target: Event, milestone: Milestone, wall: datetime
) -> None:
    settled = settle_referral(reversal.campaign, wall=wall, milestone_event=target)
    reversals = {other.pk: other for other in reversals_of(target)}
    reversals[reversal.pk] = reversal
    facts = net_facts(target, list(reversals.values()))
    decision = decide_reversal(facts, settled.status if settled else None, milestone)
    known = Check("reversed_event_known", True, f"It takes back {target.event_id}.")
    checks = [known, *decision.checks]
    _keep(reversal, Outcome.REVERSED, checks, milestone, settled or target.referral)
    if settled and decision.moves_to == Status.PENDING:
        reopen_referral(settled, reason=f"Partly reversed by {reversal.event_id}.")
    elif settled and decision.moves_to == Status.DISQUALIFIED:
        disqualify_referral(
            settled,
            now=reversal.campaign.now(wall),
            reason=f"Reversed by {reversal.event_id}.",
        )


def _target(reversal: Event, referral: Referral | None) -> Event | None:
    events = Event.objects.select_related("referral")
    if reversal.reverses:
        return events.filter(
            campaign=reversal.campaign_id, event_id=reversal.reverses
        ).first()
    if referral and referral.milestone_event_id:
        return events.get(pk=referral.milestone_event_id)
    return None


def _missing(reversal: Event, target: Event | None) -> Check | None:
    """What has to arrive before it can be judged, if anything has."""
    if reversal.participant_id is None:
        return Check("participant_known", False, "Nobody like that yet.")
    if target is None:
        return Check("reversed_event_known", False, "That event did not arrive yet.")
    if target.participant_id is None:
        detail = "Whom that event was about is not known yet."
        return Check("reversed_event_known", False, detail)
    return None


def _refusal(reversal: Event, target: Event) -> Check | None:
    if reversal.participant_id != target.participant_id:
        return Check("same_person", False, "The event was about somebody else.")
    if reversal.amount is not None and reversal.currency != target.currency:
        return Check(
            "currency_matches",
            False,
            f"The event's currency is {target.currency or 'none'}, "
            f"the reversal's {reversal.currency}.",
        )
    return None


def _keep(
    reversal: Event,
    outcome: Outcome,
    checks: list[Check],
    milestone: Milestone,
    referral: Referral | None,
) -> None:
    explanation = [check.as_json() for check in checks]
    reversal.keep_decision(outcome, explanation, milestone.as_json(), referral)
