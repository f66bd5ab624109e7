"""From an event and a milestone to a decision with its reasons. Pure functions.

`decide` looks at facts that were gathered for it and writes nothing, so that a dry
run and an explanation are the same function as the real thing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from referral_factory import money
from referrals.facts import Check, EventFacts, Facts, Milestone
from referrals.models import Event, Referral

Outcome = Event.Outcome
Status = Referral.Status

# Clocks of two systems differ a little.
CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True)
class Decision:
    outcome: Outcome
    checks: tuple[Check, ...]
    holds_until: datetime | None = None

    def explanation(self) -> list[dict[str, Any]]:
        return [check.as_json() for check in self.checks]


def decide(facts: Facts, milestone: Milestone, now: datetime) -> Decision:
    """Ask each question in order; the first 'no' gives the outcome."""
    checks: list[Check] = []
    for question, outcome_of_no in QUESTIONS:
        check = question(facts, milestone)
        checks.append(check)
        if not check.passed:
            return Decision(outcome_of_no(facts), tuple(checks))
    if not milestone.holding:
        return Decision(Outcome.QUALIFIED, tuple(checks))
    until = max(now, facts.event.occurred_at) + milestone.holding
    checks.append(
        Check("holding_period", True, f"Held until {until:%Y-%m-%d %H:%M} UTC.")
    )
    return Decision(Outcome.HOLDING, tuple(checks), holds_until=until)


def _person_is_known(facts: Facts, milestone: Milestone) -> Check:
    detail = (
        "The person is enrolled." if facts.person_known else "Nobody like that yet."
    )
    return Check("participant_known", facts.person_known, detail)


def _referral_is_known(facts: Facts, milestone: Milestone) -> Check:
    known = facts.referral is not None
    return Check(
        "referral_known", known, "They were referred." if known else "Not referred yet."
    )


def _is_the_milestone(facts: Facts, milestone: Milestone) -> Check:
    return Check(
        "event_is_milestone",
        facts.event.name == milestone.event_name,
        f"It is {facts.event.name!r}; the milestone is {milestone.event_name!r}.",
    )


def _referral_is_open(facts: Facts, milestone: Milestone) -> Check:
    status = facts.referral.status if facts.referral else ""
    return Check(
        "referral_is_pending", status == Status.PENDING, f"The referral is {status}."
    )


def _is_within_the_window(facts: Facts, milestone: Milestone) -> Check:
    if facts.referral is None:
        return Check("within_window", False, "There is no referral.")
    earliest = facts.referral.created_at - milestone.match
    latest = facts.referral.expires_at
    return Check(
        "within_window",
        earliest <= facts.event.occurred_at <= latest,
        f"It happened on {facts.event.occurred_at:%Y-%m-%d %H:%M} UTC; what counts is "
        f"{earliest:%Y-%m-%d %H:%M} to {latest:%Y-%m-%d %H:%M} UTC.",
    )


def _came_after_the_click(facts: Facts, milestone: Milestone) -> Check:
    """What a friend did before they clicked is not what the click brought about."""
    clicked = facts.referral.clicked_at if facts.referral else None
    if clicked is None:
        return Check("after_the_click", True, "It was credited without a click.")
    occurred = facts.event.occurred_at
    return Check(
        "after_the_click",
        occurred >= clicked - CLOCKS_DIFFER,
        f"It happened on {occurred:%Y-%m-%d %H:%M} UTC, "
        f"the click on {clicked:%Y-%m-%d %H:%M} UTC.",
    )


def _currency_matches(facts: Facts, milestone: Milestone) -> Check:
    if facts.event.amount is None:
        return Check("currency_matches", True, "It came without an amount.")
    return Check(
        "currency_matches",
        facts.event.currency == milestone.currency,
        f"The amount is in {facts.event.currency}; "
        f"the campaign's currency is {milestone.currency}.",
    )


def _amount_is_reached(facts: Facts, milestone: Milestone) -> Check:
    if milestone.minimum is None:
        return Check("amount_reached", True, "No minimum is asked for.")
    net = money.as_text(facts.event.net, milestone.currency)
    minimum = money.as_text(milestone.minimum, milestone.currency)
    return Check(
        "amount_reached",
        facts.event.net >= milestone.minimum,
        f"The amount is {net} {milestone.currency}; the minimum is {minimum}.",
    )


def _was_not_taken_back(facts: Facts, milestone: Milestone) -> Check:
    passed = not facts.event.wholly_taken_back
    detail = "Nothing took it back." if passed else "It had been taken back before."
    return Check("not_reversed", passed, detail)


def _settled(facts: Facts) -> Outcome:
    """To a referral that counts already it is news; to one that ended, nothing."""
    counts = {Status.HOLDING, Status.QUALIFIED}
    if facts.referral and facts.referral.status in counts:
        return Outcome.RECORDED
    return Outcome.NOT_MATCHED


def _always(outcome: Outcome) -> Callable[[Facts], Outcome]:
    return lambda facts: outcome


QUESTIONS: tuple[
    tuple[Callable[[Facts, Milestone], Check], Callable[[Facts], Outcome]], ...
] = (
    (_person_is_known, _always(Outcome.UNMATCHED)),
    (_referral_is_known, _always(Outcome.UNMATCHED)),
    (_is_the_milestone, _always(Outcome.RECORDED)),
    (_referral_is_open, _settled),
    (_is_within_the_window, _always(Outcome.NOT_MATCHED)),
    (_came_after_the_click, _always(Outcome.NOT_MATCHED)),
    (_was_not_taken_back, _always(Outcome.NOT_MATCHED)),
    (_currency_matches, _always(Outcome.NOT_MATCHED)),
    (_amount_is_reached, _always(Outcome.NOT_MATCHED)),
)


@dataclass(frozen=True)
class Reversal:
    """What taking an event back does to the referral that it had settled."""

    moves_to: Status | None
    checks: tuple[Check, ...]


def decide_reversal(
    taken_back: EventFacts, referral_status: str | None, milestone: Milestone
) -> Reversal:
    """Judge the net facts of a milestone event after (part of) it was taken back.

    `referral_status` is None where the event had settled no referral. What is still
    reached stays; a part that leaves the minimum unreached goes back to pending
    while holding; all else is disqualified.
    """
    if referral_status is None:
        check = Check("was_milestone", False, "It had settled no referral.")
        return Reversal(None, (check,))
    was = Check("was_milestone", True, f"It settled the referral ({referral_status}).")
    reached = not taken_back.wholly_taken_back and taken_back.net >= (
        milestone.minimum or 0
    )
    left = Check(
        "amount_still_reached",
        reached,
        f"{taken_back.net.normalize():f} is left of it; "
        f"the minimum is {milestone.minimum or 'any amount'}.",
    )
    moves_to = None if reached else _after_loss(taken_back, referral_status)
    return Reversal(moves_to, (was, left))


def _after_loss(taken_back: EventFacts, status: str) -> Status | None:
    if status == Status.HOLDING and not taken_back.wholly_taken_back:
        return Status.PENDING
    return Status.DISQUALIFIED if status in {Status.HOLDING, Status.QUALIFIED} else None
