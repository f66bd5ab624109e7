"""Whether one event counts towards a milestone, and how far what counts reaches.

Pure functions: they look at facts that were gathered for them and write nothing, so
that a dry run, a backtest and the real thing are the same. What follows for a referral
is in ledger.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from referral_factory import money
from referrals.conditions import holds
from referrals.facts import Check, EventFacts, Facts, Milestone
from referrals.models import Event, Referral

Outcome = Event.Outcome
Status = Referral.Status

# Clocks of two systems differ a little.
CLOCKS_DIFFER = timedelta(minutes=5)

# To a referral in one of these an event is news, whether it counts or not.
REACHED = frozenset({Status.HOLDING.value, Status.QUALIFIED.value})

# Answers that are the same each time.
PERSON_KNOWN = Check("participant_known", True, "The person is enrolled.")
PERSON_UNKNOWN = Check("participant_known", False, "Nobody like that yet.")
REFERRAL_KNOWN = Check("referral_known", True, "They were referred.")
REFERRAL_UNKNOWN = Check("referral_known", False, "Not referred yet.")
STATUS_IS = {
    status.value: Check(
        "referral_is_pending", status == Status.PENDING, f"The referral is {status}."
    )
    for status in Status
}
NO_CLICK = Check("after_the_click", True, "It was credited without a click.")
STANDS = Check("not_reversed", True, "Nothing took it back.")
TAKEN_BACK = Check("not_reversed", False, "It had been taken back before.")
NO_AMOUNT = Check("currency_matches", True, "It came without an amount.")
NO_MINIMUM = Check("amount_reached", True, "No minimum is asked for.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the questions came to. `outcome` is None where nothing decided it yet."""

    outcome: Outcome | None
    counts: bool
    checks: list[Check]


def ask(facts: Facts, rules: Milestone) -> Answer:
    """Ask each question in order; the first 'no' gives the outcome.

    One goes on after a 'no': what comes after the milestone was reached decides
    nothing, and may count all the same. So, if the first is taken back, it stands in.
    """
    outcome: Outcome | None = None
    checks: list[Check] = []
    for question, outcome_of_no in QUESTIONS:
        check = question(facts, rules)
        checks.append(check)
        if check.passed:
            continue
        if check.check != "referral_is_pending" or not _is_reached(facts):
            return Answer(outcome or outcome_of_no, False, checks)
        outcome = Outcome.RECORDED
    return Answer(outcome, True, checks)


def still_counts(facts: Facts, rules: Milestone) -> bool:
    """Whether an event that counts does so for what is left of it.

    What is taken back never makes an event count that did not.
    """
    asked = (_was_not_taken_back, _amount_is_reached, _condition_holds)
    return all(question(facts, rules).passed for question in asked)


def progress(counting: int, total: Decimal, rules: Milestone) -> Check | None:
    """How far what counts reaches; None where the first event is the milestone."""
    if rules.count is not None:
        said = f"{counting} of {rules.count}"
        return Check("count_reached", counting >= rules.count, said)
    if rules.sum is not None:
        reached, needed = amount(total, rules.currency), rules.sum
        said = f"{reached} of {amount(needed, rules.currency)} {rules.currency}"
        return Check("sum_reached", total >= needed, said)
    return None


def hold_until(event: EventFacts, rules: Milestone, now: datetime) -> datetime | None:
    """The end of the holding period; None where there is none."""
    return max(now, event.occurred_at) + rules.holding if rules.holding else None


def on(moment: datetime) -> str:
    """A moment as checks say it; they are in UTC."""
    return str(moment)[:16]  # as strftime("%Y-%m-%d %H:%M"), in a third of its time


@lru_cache(maxsize=4096)
def amount(value: Decimal, currency: str) -> str:
    return money.as_text(value, currency)


def _is_reached(facts: Facts) -> bool:
    return facts.referral is not None and facts.referral.status in REACHED


def _is_the_milestone(facts: Facts, rules: Milestone) -> Check:
    return _compare_names(facts.event.name, rules.event_name)


@lru_cache(maxsize=1024)
def _compare_names(given: str, wanted: str) -> Check:
    said = f"It is {given!r}; the milestone is {wanted!r}."
    return Check("event_is_milestone", given == wanted, said)


def _person_is_known(facts: Facts, rules: Milestone) -> Check:
    return PERSON_KNOWN if facts.person_known else PERSON_UNKNOWN


def _referral_is_known(facts: Facts, rules: Milestone) -> Check:
    return REFERRAL_KNOWN if facts.referral else REFERRAL_UNKNOWN


def _referral_is_open(facts: Facts, rules: Milestone) -> Check:
    return STATUS_IS[facts.referral.status] if facts.referral else REFERRAL_UNKNOWN


def _is_within_the_window(facts: Facts, rules: Milestone) -> Check:
    if facts.referral is None:
        return REFERRAL_UNKNOWN
    occurred, latest = facts.event.occurred_at, facts.referral.expires_at
    earliest, what = _window(facts.referral.created_at, latest, rules.match)
    said = f"It happened on {on(occurred)} UTC; {what}"
    return Check("within_window", earliest <= occurred <= latest, said)


@lru_cache(maxsize=1024)
def _window(made: datetime, latest: datetime, match: timedelta) -> tuple[datetime, str]:
    """Its beginning, and how it is said: the same for all events of a referral."""
    earliest = made - match
    return earliest, f"what counts is {on(earliest)} to {on(latest)} UTC."


def _came_after_the_click(facts: Facts, rules: Milestone) -> Check:
    """What a friend did before they clicked is not what the click brought about."""
    clicked = facts.referral.clicked_at if facts.referral else None
    if clicked is None:
        return NO_CLICK
    occurred = facts.event.occurred_at
    return Check(
        "after_the_click",
        occurred >= clicked - CLOCKS_DIFFER,
        f"It happened on {on(occurred)} UTC, the click on {on(clicked)} UTC.",
    )


def _was_not_taken_back(facts: Facts, rules: Milestone) -> Check:
    return TAKEN_BACK if facts.event.wholly_taken_back else STANDS


def _currency_matches(facts: Facts, rules: Milestone) -> Check:
    if facts.event.amount is None:
        return NO_AMOUNT
    return _compare_currencies(facts.event.currency, rules.currency)


@lru_cache(maxsize=1024)
def _compare_currencies(given: str, wanted: str) -> Check:
    said = f"The amount is in {given}; the campaign's currency is {wanted}."
    return Check("currency_matches", given == wanted, said)


def _amount_is_reached(facts: Facts, rules: Milestone) -> Check:
    if rules.minimum is None:
        return NO_MINIMUM
    return _compare_amounts(facts.event.net, rules.minimum, rules.currency)


@lru_cache(maxsize=4096)
def _compare_amounts(net: Decimal, minimum: Decimal, currency: str) -> Check:
    said = f"The amount is {amount(net, currency)} {currency}; "
    said += f"the minimum is {amount(minimum, currency)}."
    return Check("amount_reached", net >= minimum, said)


def _condition_holds(facts: Facts, rules: Milestone) -> Check:
    return holds(rules.condition, facts)


# With the outcome of a 'no'.
Question = tuple[Callable[[Facts, Milestone], Check], Outcome]
QUESTIONS: Sequence[Question] = (
    (_is_the_milestone, Outcome.RECORDED),
    (_person_is_known, Outcome.UNMATCHED),
    (_referral_is_known, Outcome.UNMATCHED),
    (_referral_is_open, Outcome.NOT_MATCHED),
    (_is_within_the_window, Outcome.NOT_MATCHED),
    (_came_after_the_click, Outcome.NOT_MATCHED),
    (_was_not_taken_back, Outcome.NOT_MATCHED),
    (_currency_matches, Outcome.NOT_MATCHED),
    (_amount_is_reached, Outcome.NOT_MATCHED),
    (_condition_holds, Outcome.NOT_MATCHED),
)
