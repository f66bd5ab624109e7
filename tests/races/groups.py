"""Races of callers whose calls are made together: each gets the answer to its own."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from referral_factory.access.idempotency import REPLAYED
from referrals.models import Campaign, Event
from tests.api.callers import caller, make_key
from tests.factories import make_campaign, make_referral, make_rule
from tests.races.together import at_once
from webhooks.models import Message

PEOPLE, EVENTS = "/api/v1/participants", "/api/v1/events"
CALLERS = 8


def post(text: str, path: str, body: Any, **headers: str) -> Callable[[], Any]:
    return partial(caller(text).post, path, body, headers=headers)


def key_of(campaign: Campaign) -> str:
    return make_key(mode=campaign.mode)[1]


def everybody_gets_the_answer_to_their_own_call() -> None:
    campaign = make_campaign()
    text = key_of(campaign)
    names = [f"c-{n}" for n in range(CALLERS)]
    bodies = [{"campaign": campaign.public_id, "external_id": name} for name in names]
    bad = {"campaign": campaign.public_id, "email": "nobody"}

    *answers, refused = at_once(
        *[post(text, PEOPLE, body) for body in bodies], post(text, PEOPLE, bad)
    )

    assert [answer.json()["external_id"] for answer in answers] == names
    assert {answer.status_code for answer in answers} == {201}
    assert refused.status_code == 422
    assert campaign.participants.count() == CALLERS
    assert Message.objects.filter(campaign_id=campaign.pk).count() == CALLERS


def one_event_of_many_callers_is_one_row() -> None:
    referral = make_referral()
    make_rule(campaign=referral.campaign)
    body = {
        "event_id": "order-1",
        "name": "purchase",
        "amount": "25.00",
        "currency": "USD",
        "participant": {"id": referral.friend.public_id},
    }
    call = post(key_of(referral.campaign), EVENTS, body)

    answers = at_once(*[call] * CALLERS)

    outcomes = Counter(answer.json()["outcome"] for answer in answers)
    assert outcomes == {"qualified": 1, "duplicate": CALLERS - 1}
    assert {len(answer.json()["rewards"]) for answer in answers} == {1}
    assert Event.objects.filter(campaign=referral.campaign).count() == 1
    assert referral.rewards.count() == 1


def many_callers_with_one_key_have_one_effect() -> None:
    campaign = make_campaign()
    body = {"campaign": campaign.public_id, "external_id": "c-1"}
    call = post(key_of(campaign), PEOPLE, body, **{"Idempotency-Key": "k-1"})

    answers = at_once(*[call] * CALLERS)

    made = [answer for answer in answers if answer.status_code == 201]
    busy = [answer for answer in answers if answer.status_code == 409]
    assert len({answer.content for answer in made}) == 1
    assert sum(REPLAYED not in answer for answer in made) == 1
    assert {answer.json()["code"] for answer in busy} <= {"idempotency_in_progress"}
    assert len(made) + len(busy) == CALLERS
    assert Message.objects.filter(campaign_id=campaign.pk).count() == 1


def refusal_of_one_caller_leaves_the_others_alone() -> None:
    campaign = make_campaign()
    text = key_of(campaign)
    pair = [
        {"campaign": campaign.public_id, "external_id": "c-1"},
        {"campaign": campaign.public_id, "email": "ann@shop.example"},
    ]
    for body in pair:
        assert caller(text).post(PEOPLE, body).status_code == 201
    conflict = {**pair[0], **pair[1]}
    others = [
        {"campaign": campaign.public_id, "external_id": f"d-{n}"}
        for n in range(CALLERS)
    ]

    refused, *answers = at_once(
        *[post(text, PEOPLE, body) for body in [conflict, *others]]
    )

    assert (refused.status_code, refused.json()["code"]) == (409, "identity_conflict")
    assert {answer.status_code for answer in answers} == {201}


RACES = [
    everybody_gets_the_answer_to_their_own_call,
    one_event_of_many_callers_is_one_row,
    many_callers_with_one_key_have_one_effect,
    refusal_of_one_caller_leaves_the_others_alone,
]
