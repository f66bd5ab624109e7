"""What reporting an event would do, without doing it."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from referrals.models import Event, Referral
from rewards.models import Reward
from tests.factories import make_campaign, make_participant, make_referral, make_rule
from webhooks.models import Message

URL = "/api/v1/events"
OF_THIS_MOMENT = {"id", "created_at", "available_at", "received_at", "occurred_at"}


def order(referral: Referral, **fields: Any) -> dict[str, Any]:
    return {
        "event_id": "order-1",
        "name": "purchase",
        "participant": {"id": referral.friend.public_id},
        "amount": "25.00",
        "currency": "USD",
        **fields,
    }


def lasting(said: Any) -> Any:
    """What is said, without what is of this moment or of what was written."""
    if isinstance(said, dict):
        kept = said.keys() - OF_THIS_MOMENT
        return {name: lasting(said[name]) for name in kept}
    return [lasting(each) for each in said] if isinstance(said, list) else said


def test_it_says_what_then_happens(api: APIClient) -> None:
    referral = make_referral()
    make_rule(campaign=referral.campaign)
    make_rule(campaign=referral.campaign, side="friend", amount=5)

    dry = api.post(f"{URL}?dry_run=true", order(referral))
    real = api.post(URL, order(referral))

    assert (dry.status_code, real.status_code) == (200, 201)
    assert dry.json()["dry_run"] is True
    assert [reward["id"] for reward in dry.json()["rewards"]] == [None, None]
    assert lasting(dry.json()) == {**lasting(real.json()), "dry_run": True}


def test_what_a_waiting_refund_takes_back_at_once_brings_no_rewards(
    api: APIClient,
) -> None:
    referral = make_referral(campaign=make_campaign(reversal_events=["refund"]))
    make_rule(campaign=referral.campaign)
    refund = order(referral, event_id="refund-1", name="refund")
    assert api.post(URL, refund).json()["outcome"] == "unmatched"
    early = order(referral, occurred_at=referral.created_at.isoformat())

    said = api.post(f"{URL}?dry_run=true", early).json()

    assert (said["outcome"], said["rewards"]) == ("qualified", [])


def test_nothing_is_written(api: APIClient) -> None:
    referral = make_referral()
    make_rule(campaign=referral.campaign)
    api.get(URL)  # the key is known

    with CaptureQueriesContext(connection) as captured:
        said = api.post(f"{URL}?dry_run=true", order(referral)).json()

    writes = ("INSERT", "UPDATE", "DELETE", "NOTIFY")
    written = [q["sql"] for q in captured if q["sql"].lstrip().startswith(writes)]
    assert all("access_callcount" in statement for statement in written)
    assert (said["id"], said["outcome"]) == (None, "qualified")
    referral.refresh_from_db()
    assert referral.status == "pending"
    for model in (Event, Reward, Message):
        assert not model._default_manager.exists()


def test_nobody_is_waited_for(api: APIClient) -> None:
    referral = make_referral()
    with CaptureQueriesContext(connection) as captured:
        api.post(f"{URL}?dry_run=true", order(referral))
    assert not [q["sql"] for q in captured if "FOR NO KEY UPDATE" in q["sql"]]


def test_a_known_event_is_a_duplicate_with_its_rewards(api: APIClient) -> None:
    referral = make_referral()
    make_rule(campaign=referral.campaign)
    first = api.post(URL, order(referral)).json()

    said = api.post(f"{URL}?dry_run=true", order(referral)).json()

    assert said["outcome"] == "duplicate"
    assert (said["id"], said["rewards"]) == (first["id"], first["rewards"])


def test_a_rule_gives_nothing_to_who_is_blocked(api: APIClient) -> None:
    campaign = make_campaign()
    blocked = make_participant(campaign=campaign, status="blocked")
    referral = make_referral(campaign=campaign, advocate=blocked)
    make_rule(campaign=campaign)

    said = api.post(f"{URL}?dry_run=true", order(referral)).json()

    assert (said["outcome"], said["rewards"]) == ("qualified", [])


def test_what_is_refused_is_refused_dry_as_well(api: APIClient) -> None:
    referral = make_referral()
    body = order(referral, occurred_at="2999-01-01T00:00:00Z")
    for query in ("", "?dry_run=true"):
        answer = api.post(f"{URL}{query}", body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "in_the_future"


@pytest.mark.parametrize("said", ["", "1", "True", "yes"])
def test_only_true_and_false_are_understood(api: APIClient, said: str) -> None:
    answer = api.post(f"{URL}?dry_run={said}", order(make_referral()))
    assert answer.status_code == 400
    assert not Event.objects.exists()
