"""The rules of a campaign: refused when they could not be judged by; kept for ever."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from time import thread_time

from referral_factory import money
from referral_factory.errors import InvalidInput
from referral_factory.expressions import (
    BadExpression,
    CannotEvaluate,
    Expression,
    NotTruth,
    kind_of,
)
from referrals.conditions import (
    VARIABLES,
    compile_condition,
    refuse_other_than_truth,
    what_is_read,
)
from referrals.facts import (
    EventFacts,
    Facts,
    PersonFacts,
    ReferralFacts,
)
from referrals.milestones import campaign_facts, milestone_of
from referrals.models import Campaign, Event, MilestoneVersion, Participant, Referral

# A change of one of these is a new version of the rules.
RULES = (
    "currency",
    "milestone_event",
    "milestone_minimum",
    "milestone_condition",
    "milestone_count",
    "milestone_sum",
    "milestone_within_days",
    "holding_days",
    "match_days",
    "reversal_events",
    "reversal_policy",
)
LOOKED_AT = 200  # of the last events, for those that the condition would be asked of
TRIED_ON = 20
MOST_SEEN = 60
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
LONGEST_TRIAL = 0.02  # seconds that one event may take


@dataclass
class Trial:
    """What a condition says of the last events that it would have been asked of."""

    passed: int = 0
    not_true: int = 0
    not_judged: int = 0
    reasons: list[str] = field(default_factory=list)  # why not, each once
    mixed: str = ""  # the first reason that lies in the condition itself
    slowest: float = 0.0  # in seconds

    @property
    def tried(self) -> int:
        return self.passed + self.not_true + self.not_judged


def refuse_bad_rules(campaign: Campaign) -> None:
    """Refuse what no event could be judged by, with its place and a hint.

    `campaign` has the values that are to be saved.
    """
    _refuse_unpayable("minimum_amount", campaign.milestone_minimum, campaign.currency)
    _refuse_unpayable("sum", campaign.milestone_sum, campaign.currency)
    if campaign.milestone_count is not None and campaign.milestone_sum is not None:
        detail = "Ask for a count or a sum, not both: the other one is null."
        raise InvalidInput("/milestone/count", detail, "count_and_sum")
    if campaign.milestone_count is not None and campaign.milestone_count < 1:
        raise InvalidInput("/milestone/count", "At least 1.", "too_small")
    if campaign.milestone_sum is not None and campaign.milestone_sum <= 0:
        raise InvalidInput("/milestone/sum", "More than 0.", "too_small")
    if campaign.milestone_condition:
        _refuse_bad_condition(campaign)


def try_condition(campaign: Campaign) -> Trial:
    """Ask the condition of the last events that it would have been asked of.

    Nothing is written. Raises BadExpression where it cannot be read.
    """
    refuse_other_than_truth(campaign.milestone_condition)
    condition, trial = compile_condition(campaign.milestone_condition), Trial()
    for event in _last_events(campaign):
        _try_on(condition, facts_of(event, campaign), trial)
    return trial


@dataclass(frozen=True)
class Seen:
    """A field that recent events or their people had: what a condition may ask of."""

    text: str  # "event.properties.plan"
    kind: str  # "a text"


def known_fields() -> dict[str, list[str]]:
    """What any condition may ask about."""
    return {name: list(fields) for name, fields in VARIABLES.items()}


def fields_seen(campaign: Campaign) -> list[Seen]:
    """The fields of the campaign's own that its last events and their people had."""
    seen: dict[str, Seen] = {}
    for event in _last_events(campaign):
        facts = facts_of(event, campaign)
        known = {"event.properties": facts.event.properties}
        for side, person in (("friend", facts.friend), ("advocate", facts.advocate)):
            known[f"{side}.attributes"] = person.attributes if person else {}
        for owner, fields in known.items():
            for name, value in fields.items():
                text = f"{owner}.{name}" if NAME.match(name) else f"{owner}[{name!r}]"
                seen.setdefault(text, Seen(text, kind_of(value)))
    return [seen[text] for text in sorted(seen)][:MOST_SEEN]


def keep_version(campaign: Campaign, by: str) -> None:
    """Keep the rules as they are, where this version of them is not kept yet."""
    MilestoneVersion.objects.get_or_create(
        campaign=campaign,
        version=campaign.version,
        defaults={"terms": milestone_of(campaign).as_json(), "made_by": by},
    )


def facts_of(event: Event, campaign: Campaign) -> Facts:
    """What a condition may ask of an event that is kept."""
    referral = event.referral
    return Facts(
        event=EventFacts(
            name=event.name,
            amount=event.amount,
            currency=event.currency,
            occurred_at=event.occurred_at,
            event_id=event.event_id,
            source=event.source,
            properties=event.properties,
        ),
        person_known=event.participant is not None,
        referral=_referral_facts(referral) if referral else None,
        friend=_person_facts(referral.friend) if referral else None,
        advocate=_person_facts(referral.advocate) if referral else None,
        campaign=campaign_facts(campaign),
    )


def _refuse_unpayable(name: str, amount: Decimal | None, currency: str) -> None:
    """An amount has no more decimal places than the campaign's currency."""
    places = money.places(currency)
    if amount is not None and amount != round(amount, places):
        detail = f"{currency} has {places} decimal places."
        raise InvalidInput(f"/milestone/{name}", detail, "too_many_places")


def _refuse_bad_condition(campaign: Campaign) -> None:
    try:
        trial = try_condition(campaign)
    except BadExpression as error:
        raise _bad_condition(str(error)) from error
    if trial.mixed:
        raise _bad_condition(f"Tried on the last events: {trial.mixed}")
    if trial.slowest > LONGEST_TRIAL:
        raise _bad_condition("It takes too long: it was tried on the last events.")


def _bad_condition(detail: str) -> InvalidInput:
    return InvalidInput("/milestone/condition", detail, "bad_condition")


def _try_on(condition: Expression, facts: Facts, trial: Trial) -> None:
    started = thread_time()
    try:
        holds = condition.judge(what_is_read(condition, facts)).holds
    except CannotEvaluate as error:
        trial.not_judged += 1
        if error.detail not in trial.reasons:
            trial.reasons.append(error.detail)
        if isinstance(error, NotTruth):
            trial.mixed = trial.mixed or error.detail
    else:
        trial.passed += holds
        trial.not_true += not holds
    trial.slowest = max(trial.slowest, thread_time() - started)


def _last_events(campaign: Campaign) -> list[Event]:
    """Events of friends by the milestone's name, the newest first."""
    last = Event.objects.filter(campaign=campaign.pk).order_by("-id")[:LOOKED_AT]
    related = last.select_related(
        "participant", "referral__friend", "referral__advocate"
    )
    asked = (each for each in related if each.name == campaign.milestone_event)
    return [each for each in asked if each.referral and not each.reverses][:TRIED_ON]


def _referral_facts(referral: Referral) -> ReferralFacts:
    return ReferralFacts(
        status=referral.status,
        created_at=referral.created_at,
        expires_at=referral.expires_at,
        clicked_at=referral.clicked_at,
        way=referral.way,
        marks=tuple(mark["code"] for mark in referral.marks),
    )


def _person_facts(person: Participant) -> PersonFacts:
    return PersonFacts(
        external_id=person.external_id,
        email=person.email,
        status=person.status,
        source=person.source,
        attributes=person.attributes,
        created_at=person.created_at,
        customer_since=person.customer_since,
        confirmed_at=person.confirmed_at,
    )
