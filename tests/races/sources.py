"""Races of sources: one body sent several times at once, read again, secrets turned."""

import json
from functools import partial

from django.utils import timezone

from referrals.models import Event, Referral
from tests.factories import make_arrival, make_referral, make_rule, make_source
from tests.races.together import at_once
from webhooks.models import Arrival, Source
from webhooks.secrets import encrypt
from webhooks.sources.keyring import secrets_of
from webhooks.sources.receiving import CameOfIt, receive, replay
from webhooks.sources.services import rotate_secret
from webhooks.sources.verifying import Sent

JSON = {"content-type": "application/json"}


def body_of(referral: Referral) -> bytes:
    event = {
        "event_id": "order-1",
        "name": "purchase",
        "participant": {"external_id": referral.friend.external_id},
        "amount": "30.00",
        "currency": "USD",
    }
    return json.dumps(event).encode()


def one_body_sent_at_once_is_one_event() -> None:
    referral = make_referral()
    make_rule(campaign=referral.campaign)
    source = make_source(campaign=referral.campaign)
    sent = Sent(body_of(referral), JSON)

    answers = at_once(*6 * [partial(receive, source, sent, wall=timezone.now())])

    assert {type(answer) for answer in answers} == {CameOfIt}
    outcomes = sorted(answer.recorded.outcome for answer in answers)
    assert outcomes == [*5 * ["duplicate"], "qualified"]
    assert Event.objects.filter(campaign=referral.campaign).count() == 1
    assert len({answer.recorded.event.pk for answer in answers}) == 1
    kept = sorted(source.arrivals.values_list("status", flat=True))
    assert kept == ["recorded", *5 * ["repeated"]]
    assert referral.rewards.count() == 1


def one_arrival_read_again_at_once_becomes_one_event() -> None:
    referral = make_referral()
    source = make_source(campaign=referral.campaign)
    key = make_arrival(source=source, body=body_of(referral)).pk
    read = Arrival.objects.select_related("campaign", "source")
    copies = [read.get(pk=key) for _ in range(4)]

    at_once(*(partial(replay, copy, wall=timezone.now()) for copy in copies))

    event = Event.objects.get(campaign=referral.campaign)
    kept = Arrival.objects.get(pk=key)
    assert (kept.status, kept.event) == ("recorded", event)


def two_new_secrets_at_once_both_hold() -> None:
    ring = [{"secret": encrypt("the-first-secret"), "until": None}]
    source = make_source(verification="bearer", secrets=ring)
    copies = [Source.objects.get(pk=source.pk) for _ in range(2)]
    now = timezone.now()

    given = at_once(*(partial(rotate_secret, copy, now=now) for copy in copies))

    source.refresh_from_db()
    assert set(secrets_of(source, now=now)) == {"the-first-secret", *given}


RACES = [
    one_body_sent_at_once_is_one_event,
    one_arrival_read_again_at_once_becomes_one_event,
    two_new_secrets_at_once_both_hold,
]
