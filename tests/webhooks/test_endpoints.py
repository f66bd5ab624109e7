"""Endpoints, deliveries and the catalogue, as callers of the API meet them."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient
from standardwebhooks import Webhook

from referrals.checklist import items
from tests.api.callers import caller, make_key
from tests.factories import make_campaign, make_referral
from tests.webhooks.receiver import Receiver, deliver, make_endpoint, status
from tests.webhooks.test_delivery import tell
from tests.webhooks.test_messages import qualify
from webhooks.models import Attempt, Delivery, Endpoint, Message
from webhooks.schedule import RETRIES

PATH = "/api/v1/endpoints"


def path_of(row: Endpoint | Delivery | Message, *rest: str) -> str:
    kind = {Endpoint: "endpoints", Delivery: "deliveries", Message: "messages"}
    return "/".join(["/api/v1", kind[type(row)], row.public_id, *rest])


def test_secret_is_in_the_answer_that_creates_and_nowhere_else(
    api: APIClient, receiver: Receiver
) -> None:
    body = {"url": receiver.url, "headers": {"Authorization": "Basic c2VjcmV0"}}

    created = api.post(PATH, body)

    assert created.status_code == 201
    secret = created.json().pop("secret")
    assert secret.startswith("whsec_")
    shown = api.get(f"{PATH}/{created.json()['id']}")
    assert "secret" not in shown.json()
    for answer in (shown, api.get(PATH)):
        assert secret not in answer.content.decode()
        assert "c2VjcmV0" not in answer.content.decode()
    assert shown.json()["headers"] == {"Authorization": "***"}

    tell()
    deliver()
    received = receiver.received[0]
    Webhook(secret).verify(received.body, received.headers)
    assert received.headers["Authorization"] == "Basic c2VjcmV0"


def test_repeated_creation_makes_one_endpoint_and_shows_no_secret(
    api: APIClient,
) -> None:
    body = {"url": "http://127.0.0.1:9/"}

    answers = [api.post(PATH, body, headers={"Idempotency-Key": "a"}) for _ in "12"]

    assert ["secret" in each.json() for each in answers] == [True, False]
    assert Endpoint.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/url"),
        ({"url": "https://10.0.0.1/"}, "/url"),
        ({"url": "https://u:p@127.0.0.1/"}, "/url"),
        ({"url": 7}, "/url"),
        ({"types": ["nothing.happened"]}, "/types/0"),
        ({"types": "referral.qualified"}, "/types"),
        ({"campaigns": ["cmp_01h45ytscbebyvny4gc8cr8ma2"]}, "/campaigns"),
        ({"campaigns": ["ref_01h45ytscbebyvny4gc8cr8ma2"]}, "/campaigns/0"),
        ({"headers": {"Webhook-Id": "x"}}, "/headers"),
        ({"headers": {"Host": "x"}}, "/headers"),
        ({"headers": {"X": "a\r\nY: b"}}, "/headers"),
        ({"headers": {"X Y": "a"}}, "/headers"),
        ({"headers": {"X": 1}}, "/headers"),
        ({"headers": []}, "/headers"),
        ({"mode": "live"}, "/mode"),
        ({"secret": "whsec_mine"}, "/secret"),
    ],
)
def test_bad_input_is_named(api: APIClient, body: dict[str, Any], pointer: str) -> None:
    body = body if not body or "url" in body else {"url": "http://127.0.0.1/", **body}

    answer = api.post(PATH, body)

    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert not Endpoint.objects.exists()


def test_endpoint_is_changed(api: APIClient) -> None:
    endpoint = make_endpoint(description="Before")

    answer = api.patch(path_of(endpoint), {"types": ["referral.qualified"]})

    assert answer.json()["types"] == ["referral.qualified"]
    endpoint.refresh_from_db()
    assert (endpoint.types, endpoint.description) == (["referral.qualified"], "Before")
    assert api.patch(path_of(endpoint), {"url": "https://10.0.0.1/"}).status_code == 422
    assert api.patch(path_of(endpoint), {}).status_code == 422


def test_deleted_endpoint_is_gone_and_gets_nothing_more(
    api: APIClient, receiver: Receiver
) -> None:
    endpoint = make_endpoint(receiver.url)
    tell()

    assert api.delete(path_of(endpoint)).status_code == 204
    tell()
    deliver()

    assert api.get(path_of(endpoint)).status_code == 404
    assert api.get(PATH).json()["results"] == []
    assert receiver.received == []
    assert [each.status for each in endpoint.deliveries.all()] == ["failed"]


def test_rotated_secret_and_the_old_one_both_verify(
    api: APIClient, receiver: Receiver
) -> None:
    created = api.post(PATH, {"url": receiver.url}).json()

    rotated = api.post(f"{PATH}/{created['id']}/rotate-secret").json()

    tell()
    deliver()
    received = receiver.received[0]
    assert rotated["secret"] != created["secret"]
    for each in (created, rotated):
        Webhook(each["secret"]).verify(received.body, received.headers)


def test_ping_goes_to_that_endpoint_whatever_it_wants(
    api: APIClient, receiver: Receiver
) -> None:
    endpoint = make_endpoint(receiver.url, types=["reward.issued"])
    make_endpoint(receiver.url)

    delivery = api.post(path_of(endpoint, "test")).json()
    deliver()

    assert delivery["endpoint"] == endpoint.public_id
    shown = api.get(f"/api/v1/deliveries/{delivery['id']}").json()
    assert shown["status"] == "delivered"
    assert [each["status_code"] for each in shown["attempts"]] == [200]
    assert len(receiver.received) == 1


def test_endpoint_is_disabled_and_enabled(api: APIClient) -> None:
    endpoint = make_endpoint()

    disabled = api.post(path_of(endpoint, "disable"))
    again = api.post(path_of(endpoint, "disable"))
    ping = api.post(path_of(endpoint, "test"))
    enabled = api.post(path_of(endpoint, "enable"))

    assert disabled.json()["status"] == "disabled"
    assert disabled.json()["disabled_reason"].startswith("Disabled by key:key_")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")
    assert (ping.status_code, ping.json()["code"]) == (409, "endpoint_is_disabled")
    assert enabled.json()["status"] == "enabled"
    assert enabled.json()["disabled_reason"] == ""


def test_log_shows_each_try(api: APIClient, receiver: Receiver) -> None:
    receiver.replies = [status(500, b"oops"), status(200)]
    endpoint = make_endpoint(receiver.url)
    tell()
    deliver()
    Delivery.objects.update(due_at=timezone.now())
    deliver()

    (listed,) = api.get(path_of(endpoint, "deliveries")).json()["results"]
    shown = api.get(f"/api/v1/deliveries/{listed['id']}").json()

    assert (listed["status"], listed["tries"], listed["due_at"]) == (
        "delivered",
        2,
        None,
    )
    log = [(each["number"], each["status_code"]) for each in shown["attempts"]]
    assert log == [(1, 500), (2, 200)]
    assert shown["attempts"][0]["response_body"] == "oops"
    assert shown["attempts"][0]["latency_ms"] >= 0


def test_deliveries_are_filtered_and_unknown_filters_refused(api: APIClient) -> None:
    endpoint = make_endpoint()
    tell()
    path = path_of(endpoint, "deliveries")

    assert len(api.get(f"{path}?status=pending").json()["results"]) == 1
    assert api.get(f"{path}?status=failed").json()["results"] == []
    for query in ("status=odd", "state=pending", "message=x", "limit=0"):
        assert api.get(f"{path}?{query}").status_code == 400


def test_failed_delivery_is_tried_again_on_request(
    api: APIClient, receiver: Receiver
) -> None:
    receiver.replies = [status(500), status(200)]
    make_endpoint(receiver.url)
    tell()
    Delivery.objects.update(attempts=len(RETRIES))
    deliver()
    delivery = Delivery.objects.get()
    assert delivery.status == Delivery.Status.FAILED

    answer = api.post(path_of(delivery, "retry"))
    deliver()

    assert answer.json()["status"] == "pending"
    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.DELIVERED
    assert Attempt.objects.count() == 2
    assert api.post(path_of(delivery, "retry")).status_code == 409


def test_recovery_sends_all_that_never_arrived(
    api: APIClient, receiver: Receiver
) -> None:
    start = timezone.now() - timedelta(minutes=1)
    tell(3)  # before there was an endpoint
    endpoint = make_endpoint(receiver.url)
    tell(2)
    deliver()
    tell(4)
    Delivery.objects.filter(status="pending").update(
        status="failed", finished_at=timezone.now()
    )
    body = {"since": start.isoformat()}

    answer = api.post(path_of(endpoint, "recover"), body)
    deliver()

    assert answer.json() == {"deliveries": 7}
    ids = [each.headers["webhook-id"] for each in receiver.received]
    assert len(ids) == len(set(ids)) == 9
    again = api.post(path_of(endpoint, "recover"), body)
    assert again.json() == {"deliveries": 0}


def test_message_is_shown_as_it_was_sent(api: APIClient) -> None:
    qualify(make_referral())
    message = Message.objects.get()

    shown = api.get(path_of(message)).json()

    assert shown["id"] == message.public_id
    assert shown["type"] == "referral.qualified"
    assert list(shown)[:7] == [
        "type",
        "timestamp",
        "id",
        "mode",
        "campaign",
        "sequence",
        "data",
    ]


def test_catalogue_is_open_to_any_key() -> None:
    api = caller(make_key(mode="test", scopes=["reports:read"])[1])

    types = api.get("/api/v1/message-types").json()["results"]

    assert {"referral.qualified", "reward.flagged", "ping"} <= {
        each["name"] for each in types
    }
    assert api.get(PATH).status_code == 403


def test_other_keys_know_nothing_of_it() -> None:
    """Not the other mode's, and not one of other campaigns."""
    mine, other = make_campaign(), make_campaign()
    endpoint = make_endpoint(campaign_ids=[mine.pk])
    tell()
    Delivery.objects.create(message_id=Message.objects.get().pk, endpoint=endpoint)
    delivery = endpoint.deliveries.get()
    message = Message.objects.get()
    strangers = [
        caller(make_key(mode="live")[1]),
        caller(make_key(mode="test", campaign_ids=[other.pk])[1]),
    ]

    for api in strangers:
        for row in (endpoint, delivery, message):
            assert api.get(path_of(row)).status_code == 404
        assert api.get(path_of(endpoint, "deliveries")).status_code == 404
        assert api.post(path_of(delivery, "retry")).status_code == 404
        assert api.get(PATH).json()["results"] == []


def test_key_of_some_campaigns_makes_endpoints_of_those() -> None:
    mine, other = make_campaign(), make_campaign()
    api = caller(make_key(mode="test", campaign_ids=[mine.pk])[1])
    url = {"url": "http://127.0.0.1:9/"}

    made = api.post(PATH, url).json()

    assert made["campaigns"] == [mine.public_id]
    for campaigns in ([], [other.public_id], [mine.public_id, other.public_id]):
        answer = api.post(PATH, {**url, "campaigns": campaigns})
        assert answer.status_code == 422
        answer = api.patch(f"{PATH}/{made['id']}", {"campaigns": campaigns})
        assert answer.status_code == 422


def test_launching_asks_for_a_way_to_hear_of_it() -> None:
    campaign = make_campaign()

    def heard() -> bool:
        return {item.name: item.done for item in items(campaign)}["way_to_hear_of_it"]

    assert not heard()
    make_endpoint(campaign_ids=[make_campaign().pk])
    make_endpoint(mode="live")
    make_endpoint(status="disabled", disabled_reason="Holidays.")
    assert not heard()
    make_endpoint(campaign_ids=[campaign.pk])
    assert heard()
