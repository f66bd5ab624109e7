"""Conditions: what else has to be true of an event, in the words of the campaign.

Pure: it looks at facts that were gathered for it. The same text is compiled once and
asked for every event; what it reads of the facts is all that it is given.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from referral_factory.expressions import (
    BadExpression,
    CannotEvaluate,
    Expression,
    Verdict,
    WrongKinds,
    compile_expression,
)
from referrals.facts import (
    CampaignFacts,
    Check,
    EventFacts,
    Facts,
    PersonFacts,
    ReferralFacts,
)

COMPILED_AT_ONCE = 1000
LONGEST_CLAUSE = 200

Fields = Mapping[str, Callable[[Any], Any]]


def _net(event: EventFacts) -> Any:
    """What is left of the amount; no amount is nothing to ask about."""
    return None if event.amount is None else event.net


EVENT: Fields = {
    "name": lambda event: event.name,
    "event_id": lambda event: event.event_id,
    "amount": _net,
    "currency": lambda event: event.currency or None,
    "occurred_at": lambda event: event.occurred_at,
    "source": lambda event: event.source,
    "properties": lambda event: event.properties,
}
PERSON: Fields = {
    "external_id": lambda person: person.external_id,
    "email": lambda person: person.email,
    "status": lambda person: person.status,
    "source": lambda person: person.source,
    "attributes": lambda person: person.attributes,
    "created_at": lambda person: person.created_at,
    "customer_since": lambda person: person.customer_since,
    "confirmed_at": lambda person: person.confirmed_at,
}
# Not its status: what counts must not depend on what was decided before.
REFERRAL: Fields = {
    "created_at": lambda referral: referral.created_at,
    "expires_at": lambda referral: referral.expires_at,
    "clicked_at": lambda referral: referral.clicked_at,
    "way": lambda referral: referral.way,
    "marks": lambda referral: list(referral.marks),
}
CAMPAIGN: Fields = {
    "slug": lambda campaign: campaign.slug,
    "mode": lambda campaign: campaign.mode,
    "currency": lambda campaign: campaign.currency,
    "launched_at": lambda campaign: campaign.launched_at,
}
# What a condition may read: each name, with its fields. What is not known of
# somebody is missing: has(friend.email) asks for it.
VARIABLES: Mapping[str, Fields] = {
    "event": EVENT,
    "friend": PERSON,
    "advocate": PERSON,
    "referral": REFERRAL,
    "campaign": CAMPAIGN,
}
PEOPLE = ("friend", "advocate")
OPEN = ("properties", "attributes")  # their fields are the campaign's own
A_MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)
SOMEBODY = PersonFacts(
    external_id="c-1",
    email="somebody@example.com",
    status="active",
    source="api",
    attributes={},
    created_at=A_MOMENT,
    customer_since=A_MOMENT,
    confirmed_at=A_MOMENT,
)
EVERYTHING = Facts(
    event=EventFacts("order", Decimal(50), "USD", A_MOMENT, event_id="o", source="api"),
    person_known=True,
    referral=ReferralFacts("pending", A_MOMENT, A_MOMENT, A_MOMENT, "code"),
    friend=SOMEBODY,
    advocate=SOMEBODY,
    campaign=CampaignFacts("slug", "live", "USD", A_MOMENT),
)
Named = EventFacts | PersonFacts | ReferralFacts | CampaignFacts


@lru_cache(maxsize=COMPILED_AT_ONCE)
def compile_condition(text: str) -> Expression:
    """The condition; raises BadExpression with the place and a hint."""
    return compile_expression(text, variables=VARIABLES)


def holds(text: str, facts: Facts) -> Check:
    """Whether the condition is true of these facts. No condition always is.

    The answer says which part was not true, and never a value: those are in `saw`.
    """
    if not text.strip():
        return Check("condition", True, "No condition is asked for.")
    try:
        condition = compile_condition(text)
    except BadExpression as error:  # saved before a limit was set
        return Check("condition", False, f"The condition cannot be read: {error}")
    values = what_is_read(condition, facts)
    try:
        verdict = condition.judge(values)
    except CannotEvaluate as error:
        detail = f"The condition cannot be judged: {error.detail}"
        return Check("condition", False, detail, condition.saw(values))
    return Check("condition", verdict.holds, _detail(verdict), condition.saw(values))


def asks_about_people(text: str) -> bool:
    """Whether judging by it takes friends and advocates; most ask of the event only."""
    if not text.strip():
        return False
    try:
        reads = compile_condition(text).reads
    except BadExpression:
        return False
    return any(path[0] in PEOPLE for path in reads)


def refuse_other_than_truth(text: str) -> None:
    """Refuse a condition that mixes kinds of values, or is no yes or no.

    Told from an event that has everything. What a campaign's own fields hold cannot be
    known: clauses that read those are judged when there is an event.
    """
    for clause in compile_condition(text).clauses:
        part = compile_condition(clause.text)
        if any(path[1] in OPEN for path in part.reads):
            continue
        try:
            part.judge(what_is_read(part, EVERYTHING))
        except WrongKinds as error:
            raise BadExpression(error.detail, clause.place) from error
        except CannotEvaluate:
            continue  # of these values; of others it may


def what_is_read(condition: Expression, facts: Facts) -> dict[str, dict[str, Any]]:
    """The values of the fields that the condition reads, where there are any."""
    values: dict[str, dict[str, Any]] = {}
    for path in condition.reads:
        name, field = path[0], path[1]
        known = values.setdefault(name, {})
        source: Named | None = getattr(facts, name)
        value = None if source is None else VARIABLES[name][field](source)
        if value is not None:
            known[field] = value
    return values


def _detail(verdict: Verdict) -> str:
    if verdict.holds:
        return "The condition is true."
    clause = verdict.clause
    if len(clause) > LONGEST_CLAUSE:
        clause = clause[:LONGEST_CLAUSE] + "…"
    return f"Not true: {clause}"
