"""What was decided and what happened, in sentences: the one place that words them.

The API, the explanations and the pages of staff all say these. No name of a person is
in any of them, so that they can be kept and passed on: a page puts the names beside.
What a check saw is worded when it is asked, and stored; this says what was asked.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from referral_factory import money
from referrals.facts import Milestone
from referrals.models import Event, Participant, Referral, ReferralChange

Outcome = Event.Outcome
Status = Referral.Status
Way = Referral.Way
Words = str | Promise

# What each check asks. Also of claims: see docs/attribution.md.
QUESTIONS: dict[str, Words] = {
    "event_is_milestone": gettext_lazy("Is it the event that counts?"),
    "participant_known": gettext_lazy("Do we know the person?"),
    "referral_known": gettext_lazy("Were they referred?"),
    "referral_is_pending": gettext_lazy("Was the referral still open?"),
    "within_window": gettext_lazy("Was it in time?"),
    "after_the_click": gettext_lazy("Was it after the click?"),
    "not_reversed": gettext_lazy("Does it still stand?"),
    "currency_matches": gettext_lazy("Is it in the right currency?"),
    "amount_reached": gettext_lazy("Is the amount large enough?"),
    "condition": gettext_lazy("Is the condition true?"),
    "count_reached": gettext_lazy("Are there enough of them?"),
    "sum_reached": gettext_lazy("Do they add up to enough?"),
    "holding_period": gettext_lazy("Is there a holding period?"),
    "reversed_event_known": gettext_lazy("Do we know what it takes back?"),
    "reversed_event_counted": gettext_lazy("Had that counted?"),
    "amount_known": gettext_lazy("Did that come with an amount?"),
    "same_person": gettext_lazy("Are both about one person?"),
    "was_milestone": gettext_lazy("Had it settled the referral?"),
    "amount_still_reached": gettext_lazy("Is enough left of it?"),
    "milestone_still_reached": gettext_lazy("Is the milestone still reached?"),
    "reversal_policy": gettext_lazy("What does the campaign do then?"),
    "leads_to_an_advocate": gettext_lazy("Does it lead to an advocate?"),
    "is_somebody_else": gettext_lazy("Are they two people?"),
    "first_link_wins": gettext_lazy("Had nobody referred them before?"),
    "campaign_is_open": gettext_lazy("Does the campaign take new referrals?"),
    "both_are_active": gettext_lazy("Are both active?"),
    "mailbox_is_proved": gettext_lazy("Is it sure who the friend is?"),
    "was_never_here": gettext_lazy("Are they here for the first time?"),
    "is_not_a_customer": gettext_lazy("Were they no customer yet?"),
    "closes_no_ring": gettext_lazy("Is the friend not above the advocate?"),
    "is_the_strongest": gettext_lazy("Was no stronger claim credited?"),
    "agrees": gettext_lazy("Does it lead to who has the credit?"),
    "advocate_came_first": gettext_lazy("Was the advocate here first?"),
    "click_came_first": gettext_lazy("Was the click before they enrolled?"),
}

PROGRESS = frozenset({"count_reached", "sum_reached"})  # a 'no' of these is 'not yet'

# How we know the advocate: "credited by ...".
WAYS: dict[str, Words] = {
    Way.PARTICIPANT: gettext_lazy("named by id"),
    Way.EXTERNAL_ID: gettext_lazy("named by your own id"),
    Way.EMAIL: gettext_lazy("named by mailbox"),
    Way.CLICK: gettext_lazy("a click on their link"),
    Way.CODE: gettext_lazy("their code"),
    Way.INVITATION: gettext_lazy("an invitation beforehand"),
    Way.COOKIE: gettext_lazy("the cookie that their link left"),
}

OUTCOMES: dict[str, Words] = {
    Outcome.QUALIFIED: gettext_lazy("{event} reached the milestone."),
    Outcome.HOLDING: gettext_lazy(
        "{event} reached the milestone; the holding period began."
    ),
    Outcome.COUNTED: gettext_lazy(
        "{event} counts towards the milestone, which is not reached yet."
    ),
    Outcome.RECORDED: gettext_lazy("{event} was kept; it decides nothing."),
    Outcome.NOT_MATCHED: gettext_lazy("{event} does not count."),
    Outcome.UNMATCHED: gettext_lazy(
        "{event} waits for what it belongs to, which we do not know yet."
    ),
    Outcome.REVERSED: gettext_lazy("{event} took back {reverses}."),
}

_SOMETHING = gettext_lazy("an earlier event")
_PART_OF = gettext_lazy("{amount} of {event}")

MOVES: dict[tuple[str, str], Words] = {
    (Status.PENDING, Status.HOLDING): gettext_lazy(
        "The milestone is reached, and the holding period began."
    ),
    (Status.PENDING, Status.QUALIFIED): gettext_lazy("The referral counts."),
    (Status.PENDING, Status.DISQUALIFIED): gettext_lazy("The referral does not count."),
    (Status.PENDING, Status.EXPIRED): gettext_lazy(
        "The referral expired: the milestone was not reached in time."
    ),
    (Status.HOLDING, Status.QUALIFIED): gettext_lazy(
        "The holding period is over, and the referral counts."
    ),
    (Status.HOLDING, Status.PENDING): gettext_lazy(
        "Too little is left of what was reached: the referral is pending again."
    ),
    (Status.HOLDING, Status.DISQUALIFIED): gettext_lazy(
        "The referral does not count: nothing is left of what was reached."
    ),
    (Status.QUALIFIED, Status.DISQUALIFIED): gettext_lazy(
        "The referral no longer counts."
    ),
    (Status.QUALIFIED, Status.QUALIFIED): gettext_lazy(
        "The milestone is no longer reached: a person looks at each reward."
    ),
    (Status.DISQUALIFIED, Status.PENDING): gettext_lazy(
        "The referral was reopened, and can still reach the milestone."
    ),
}
BY_A_PERSON: dict[str, Words] = {  # what a person's move is, from wherever
    Status.QUALIFIED: gettext_lazy("A person made the referral count."),
    Status.DISQUALIFIED: gettext_lazy("A person made the referral not count."),
}

HAPPENED: dict[str, Words] = {
    "advocate_enrolled": gettext_lazy("The advocate was enrolled."),
    "friend_enrolled": gettext_lazy("The friend was enrolled."),
    "invited": gettext_lazy("The advocate invited the friend's mailbox."),
    "invited_by_another": gettext_lazy(
        "Another advocate invited the friend's mailbox."
    ),
    "clicked": gettext_lazy("The friend followed the advocate's link."),
    "claim_refused": gettext_lazy(
        "A claim to have referred the friend was refused: {way}."
    ),
}
ENROLLED_BY: dict[str, Words] = {
    Participant.Source.API: gettext_lazy("By your backend."),
    Participant.Source.JOIN: gettext_lazy("On the enrolment page."),
    Participant.Source.IMPORT: gettext_lazy("By an import."),
}

STANDS: dict[str, Words] = {
    Status.PENDING: gettext_lazy("It waits for the friend to reach the milestone."),
    Status.HOLDING: gettext_lazy(
        "The milestone is reached, and the holding period runs."
    ),
    Status.QUALIFIED: gettext_lazy("It counts."),
    Status.DISQUALIFIED: gettext_lazy("It does not count."),
    Status.EXPIRED: gettext_lazy("It expired: the milestone was not reached in time."),
}
AHEAD: dict[str, Words] = {
    Status.PENDING: gettext_lazy("It expires, unless the milestone is reached before."),
    Status.HOLDING: gettext_lazy(
        "It counts from then on, unless something takes it back before."
    ),
}


def question(check: str) -> str:
    return str(QUESTIONS.get(check) or check.replace("_", " ").capitalize())


def deciding(checks: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The check that settled it: the first 'no', else the last one that was asked."""
    failed = next((each for each in checks if not each["passed"]), None)
    return failed or (checks[-1] if checks else None)


def settled(checks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What settled it, and what the campaign did then where it had to choose."""
    first = deciding(checks)
    last = [each for each in checks[-1:] if each["check"] == "reversal_policy"]
    return [first, *(each for each in last if each is not first)] if first else []


def why(checks: Sequence[Mapping[str, Any]]) -> str:
    return _joined(*(_sentence(each["detail"]) for each in settled(checks)))


def event_in_words(event: Event) -> str:
    """'purchase order-17 (45.00 USD)'."""
    named = f"{event.name} {event.event_id}"
    if event.amount is None:
        return named
    return f"{named} ({_amount(event.amount, event.currency)} {event.currency})"


def outcome_in_words(event: Event) -> str:
    """What became of an event, in a sentence without its reason."""
    said = _outcome(event.outcome, event.counts, get_language())
    earlier = event.reverses or _SOMETHING
    if event.outcome == Outcome.REVERSED and event.amount is not None:
        amount = f"{_amount(event.amount, event.currency)} {event.currency}"
        earlier = _PART_OF.format(amount=amount, event=earlier)
        return said.format(event=f"{event.name} {event.event_id}", reverses=earlier)
    return said.format(event=event_in_words(event), reverses=earlier)


@lru_cache(maxsize=256)
def _outcome(outcome: str, counts: bool, language: str | None) -> str:
    """Looked up once: thousands of events are told in one answer."""
    if outcome == Outcome.RECORDED and counts:
        return _("{event} was kept; the referral had reached its milestone before.")
    return str(OUTCOMES[outcome])


@lru_cache(maxsize=4096)
def _amount(amount: Decimal, currency: str) -> str:
    return money.as_text(amount, currency)


def summary_of_event(event: Event) -> str:
    """What was decided about an event, and why: 'purchase order-17 (5.00 USD) does
    not count. The amount is 5.00 USD; the minimum is 20.00.'"""
    return _joined(outcome_in_words(event), why(checks_of(event)))


def checks_of(decided: Any) -> list[dict[str, Any]]:
    """What was asked about an event, a referral or a claim, as it was stored."""
    found: list[dict[str, Any]] = decided.decision.get("checks", [])
    return found


def move_in_words(change: ReferralChange) -> str:
    by_hand = BY_A_PERSON.get(change.to_status) if _is_person(change) else None
    known = by_hand or MOVES.get((change.from_status, change.to_status))
    return str(known or STANDS[change.to_status])


def happened(what: str, **values: Any) -> str:
    return str(HAPPENED[what]).format(**values)


def way_in_words(person: Participant) -> str:
    """How somebody was enrolled."""
    return str(ENROLLED_BY.get(person.source, ""))


def doubts_in_words(referral: Referral) -> str:
    """What speaks against a credit; empty where nothing does."""
    doubts = _joined(*(mark["detail"] for mark in referral.marks))
    return _("In doubt. {doubts}").format(doubts=doubts) if doubts else ""


def credit_in_words(referral: Referral) -> str:
    return _("The friend was credited to the advocate: by {way}.").format(
        way=WAYS[referral.way]
    )


def standing_in_words(referral: Referral) -> str:
    """How far a referral got, with the reason where one is kept."""
    return _joined(str(STANDS[referral.status]), _sentence(referral.reason))


def ahead_in_words(status: str) -> str:
    """What time will do to a referral; empty where time does nothing any more."""
    return str(AHEAD.get(status, ""))


def settled_in_words(*, qualified: int, expired: int) -> str:
    """What time brought about: '1 referral qualified, 2 expired'."""
    said = ngettext(
        "{n} referral qualified, {expired} expired",
        "{n} referrals qualified, {expired} expired",
        qualified,
    )
    return said.format(n=qualified, expired=expired)


def actor_in_words(actor: str) -> str:
    """Who decided: 'user:ana' is ana, 'key:key_…' an API key, 'rules' the rules."""
    kind, _colon, name = actor.partition(":")
    if kind == "user":
        return name
    if kind == "key":
        return _("the API key {key}").format(key=name)
    return {
        "": "",
        "rules": _("the rules"),
        "review": _("the rules of review"),
    }.get(actor, actor)


def road_in_words(source: str) -> str:
    """The road that an event came in by."""
    if source.startswith("src_"):
        return _("the source {source}").format(source=source)
    if source.startswith("imp_"):
        return _("the import {source}").format(source=source)
    road, _colon, name = source.partition(":")
    if road == "queue":
        return _("the queue {name}").format(name=name).strip()
    return actor_in_words(source) if name else _("the API")


def milestone_in_words(rules: Milestone) -> str:
    """'3 times purchase of 20.00 USD or more, within 90 days'."""
    if not rules.event_name:
        return _("not set")
    said = rules.event_name
    if rules.count and rules.count > 1:
        said = _("{count} times {event}").format(count=rules.count, event=said)
    if rules.minimum:
        least = f"{_amount(rules.minimum, rules.currency)} {rules.currency}"
        said = _("{event} of {least} or more").format(event=said, least=least)
    if rules.sum:
        total = f"{_amount(rules.sum, rules.currency)} {rules.currency}"
        said = _("{event}, {total} in all").format(event=said, total=total)
    if rules.condition:
        said = _("{event} for which the condition is true").format(event=said)
    said = _("{event}, within {days}").format(event=said, days=_days(rules.within))
    if rules.holding:
        said = _("{rule}; then held for {days}").format(
            rule=said, days=_days(rules.holding)
        )
    return said


def _days(length: timedelta) -> str:
    return ngettext("{n} day", "{n} days", length.days).format(n=length.days)


def _is_person(change: ReferralChange) -> bool:
    return change.decided_by.startswith(("user:", "key:"))


def _sentence(text: str) -> str:
    """A note that somebody wrote, with a full stop where it has no end of its own."""
    return text if not text or text.endswith((".", "!", "?", "…")) else f"{text}."


def _joined(*sentences: str) -> str:
    return " ".join(each for each in sentences if each)
