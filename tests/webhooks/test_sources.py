"""What other systems send: verified, read by a mapping, recorded, and kept in a log."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from referrals.models import Campaign, Event
from tests.api.callers import caller
from tests.factories import make_campaign, make_key, make_participant, make_referral
from tests.webhooks import signed
from webhooks.models import Arrival, Source
from webhooks.sources.schemes import PRESETS
from webhooks.sources.services import create_source

ORDER = {
    "id": "evt_1",
    "type": "checkout.session.completed",
    "created": 1_700_000_000,
    "data": {"amount_total": 4999, "currency": "usd", "email": "ann@shop.example"},
}
MAPPING = {
    "when": 'body.type == "checkout.session.completed"',
    "event_id": "body.id",
    "name": '"purchase"',
    "participant": {"email": "body.data.email"},
    "amount": "minor(body.data.amount_total, body.data.currency)",
    "currency": "body.data.currency",
    "properties": {"kind": "body.type"},
}
PLAIN = {
    "event_id": "order-1",
    "name": "purchase",
    "participant": {"email": "ann@shop.example"},
}


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign(milestone_event="purchase", mode="test")


@pytest.fixture
def friend(campaign: Campaign) -> Any:
    person = make_participant(campaign=campaign, email="ann@shop.example")
    return make_referral(friend=person, campaign=campaign).friend


def make_source(campaign: Campaign, **fields: Any) -> Source:
    defaults = {"name": "Shop", "verification": "none", "mapping": {}}
    return create_source(campaign, **{**defaults, **fields})[0]


def stripe(campaign: Campaign, **fields: Any) -> Source:
    return make_source(
        campaign,
        verification="hmac",
        scheme=PRESETS["stripe"].as_json(),
        secret=signed.STRIPE,
        **{"mapping": MAPPING, **fields},
    )


def send(
    source: Source,
    body: Any,
    headers: dict[str, str] | None = None,
    kind: str = "application/json",
    query: str = "",
) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    path = f"/in/{source.public_id}{query}"
    return Client().generic("POST", path, raw, content_type=kind, headers=headers)


def send_signed(source: Source, body: Any, at: int | None = None) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    made = signed.stripe(raw, at or int(time.time()))
    return send(source, raw, made)


def last(source: Source) -> Arrival:
    found = source.arrivals.order_by("-id").first()
    assert found is not None
    return found


# --- In by the front door -----------------------------------------------------------


def test_a_signed_body_becomes_the_event_that_its_mapping_makes(
    campaign: Campaign, friend: Any
) -> None:
    source = stripe(campaign)

    answer = send_signed(source, ORDER)

    assert answer.status_code == 200, answer.content
    event = Event.objects.get()
    assert answer.json() == {
        "outcome": event.outcome,
        "event": event.public_id,
        "arrival": last(source).public_id,
    }
    assert (event.event_id, event.name, event.participant) == (
        "evt_1",
        "purchase",
        friend,
    )
    assert (str(event.amount), event.currency) == ("49.9900", "USD")
    assert event.properties == {"kind": "checkout.session.completed"}
    assert (last(source).status, last(source).event) == ("recorded", event)


def test_the_very_bytes_are_kept(campaign: Campaign) -> None:
    source = stripe(campaign)
    raw = json.dumps(ORDER, indent=3).encode()

    send_signed(source, raw)

    assert bytes(last(source).body or b"") == raw


def test_secrets_among_the_headers_are_not_kept(campaign: Campaign) -> None:
    source = stripe(campaign)
    raw = json.dumps(ORDER).encode()
    made = signed.stripe(raw, int(time.time()))

    send(
        source, raw, {**made, "Authorization": "Bearer x", "Cookie": "a=b", "X-Y": "z"}
    )

    assert last(source).headers["x-y"] == "z"
    assert not {"authorization", "cookie", "stripe-signature"} & {*last(source).headers}


def test_repeated_it_is_answered_with_the_first_result(
    campaign: Campaign, friend: Any
) -> None:
    source = stripe(campaign)
    first = send_signed(source, ORDER).json()

    again = send_signed(source, ORDER)

    assert again.status_code == 200
    assert again.json()["outcome"] == "duplicate"
    assert again.json()["event"] == first["event"]
    assert Event.objects.count() == 1
    assert (last(source).status, last(source).code) == ("repeated", "repeated")
    assert last(source).body is None


def test_what_is_not_for_us_is_ignored(campaign: Campaign) -> None:
    source = stripe(campaign)

    answer = send_signed(source, {**ORDER, "type": "customer.created"})

    assert (answer.status_code, answer.json()["outcome"]) == (200, "ignored")
    assert (last(source).status, Event.objects.count()) == ("ignored", 0)


def test_without_a_mapping_the_body_is_an_event(campaign: Campaign) -> None:
    source = make_source(campaign)

    assert send(source, PLAIN).json()["outcome"] == "unmatched"
    assert Event.objects.get().event_id == "order-1"


def test_whatever_they_accept_they_are_heard(campaign: Campaign) -> None:
    source = make_source(campaign)

    assert send(source, PLAIN, {"Accept": "text/html"}).status_code == 200


def test_it_is_heard_below_the_api_too(campaign: Campaign) -> None:
    source = make_source(campaign)
    url = f"/api/v1/in/{source.public_id}"

    answer = Client().post(url, json.dumps(PLAIN), content_type="application/json")

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "text", ["src_01h455vb4pex5vsknk084sn02q", "src_x", "cmp", "é"]
)
def test_an_unknown_source_is_not_found(text: str) -> None:
    answer = Client().post(f"/in/{text}", b"{}", content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert not Arrival.objects.exists()


def test_a_deleted_source_is_not_found(campaign: Campaign) -> None:
    source = make_source(campaign)
    caller(make_key()).delete(f"/api/v1/sources/{source.public_id}")

    assert send(source, PLAIN).status_code == 404


def test_only_posts_are_taken(campaign: Campaign) -> None:
    assert Client().get(f"/in/{make_source(campaign).public_id}").status_code == 405


# --- Forms --------------------------------------------------------------------------

OF_A_FORM = {
    "event_id": "body.order",
    "name": "query.name",
    "participant": {"external_id": "body.customer"},
    "amount": "body.total",
    "currency": '"USD"',
}


def test_a_form_is_read(campaign: Campaign) -> None:
    source = make_source(campaign, mapping=OF_A_FORM)
    body = b"order=7&customer=c%2D9&total=19.90"

    answer = send(source, body, kind=FORM, query="?name=purchase")

    assert answer.status_code == 200, answer.content
    event = Event.objects.get()
    assert (event.event_id, event.person, str(event.amount)) == (
        "7",
        "external_id:c-9",
        "19.9000",
    )


def test_a_form_in_parts_is_read_and_its_files_passed_over(campaign: Campaign) -> None:
    source = make_source(campaign, mapping=OF_A_FORM)
    body = (
        b'--x\r\nContent-Disposition: form-data; name="order"\r\n\r\n7\r\n'
        b'--x\r\nContent-Disposition: form-data; name="customer"\r\n\r\nc-9\r\n'
        b'--x\r\nContent-Disposition: form-data; name="total"\r\n\r\n5\r\n'
        b'--x\r\nContent-Disposition: form-data; name="cv"; filename="a.txt"\r\n\r\n'
        b"hello\r\n--x--\r\n"
    )

    answer = send(source, body, kind=f"{PARTS}; boundary=x", query="?name=purchase")

    assert answer.status_code == 200, answer.content


FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data"

# --- What is refused, with its reason in the log ------------------------------------

DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000

REFUSED: dict[str, tuple[bytes, str, int, str]] = {
    "not JSON": (b'{"a": ', "application/json", 400, "malformed_json"),
    "nothing": (b"", "application/json", 400, "malformed_json"),
    "two readings": (b'{"a": 1, "a": 2}', "application/json", 400, "duplicate_key"),
    "NaN": (b'{"a": NaN}', "application/json", 400, "malformed_json"),
    "too deep": (DEEP, "application/json", 400, "too_deep"),
    "a NUL": (b'{"a": "\\u0000"}', "application/json", 400, "bad_text"),
    "half a pair": (b'{"\\ud800": 1}', "application/json", 400, "bad_text"),
    "not UTF-8": (b'{"a": "\xff"}', "application/json", 400, "not_utf8"),
    "UTF-16": (b"{}", "application/json; charset=utf-16", 415, "not_utf8"),
    "65 bits": (
        b'{"a": 9223372036854775808}',
        "text/plain",
        400,
        "number_out_of_range",
    ),
    "1e99999": (b'{"a": 1e99999}', "application/json", 400, "number_out_of_range"),
    "many digits": (
        b'{"a": 1' + b"0" * 4400 + b"}",
        "application/json",
        400,
        "number_out_of_range",
    ),
    "XML": (b"<a/>", "application/xml", 415, "unsupported_media_type"),
    "a picture": (b"{}", "image/png;;=/", 415, "unsupported_media_type"),
    "10,000 fields": (b"&".join([b"a=1"] * 10_000), FORM, 400, "many_keys"),
    "form of a NUL": (b"a=%00", FORM, 400, "bad_text"),
    "form not UTF-8": (b"a=%ff", FORM, 400, "not_utf8"),
    "JSON called a form": (
        b'{"note": "&id=evt_2&amount=9999&"}',
        FORM,
        422,
        "wrong_content_type",
    ),
    "parts called a form": (
        b"--x\r\n\r\n&id=evt_2&amount=9999&",
        FORM,
        422,
        "wrong_content_type",
    ),
    "JSON called parts": (
        b' [1, "--x"]',
        f"{PARTS}; boundary=x",
        422,
        "wrong_content_type",
    ),
    "no boundary": (b"x", PARTS, 400, "malformed_form"),
    "half a part": (b"--x\r\nContent-", f"{PARTS}; boundary=x", 422, "cannot_evaluate"),
    "many parts": (
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 2000,
        f"{PARTS}; boundary=x",
        400,
        "malformed_form",
    ),
    "an array": (b"[]", "application/json", 422, "cannot_evaluate"),
    "a missing field": (b'{"type": "x"}', "application/json", 422, "cannot_evaluate"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_and_kept_with_its_reason(
    campaign: Campaign, name: str
) -> None:
    body, kind, status, code = REFUSED[name]
    source = make_source(campaign, mapping={**MAPPING, "when": "true"})

    answer = send(source, body, kind=kind)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    kept = last(source)
    assert (kept.status, kept.code, kept.reason) == (
        "refused",
        code,
        answer.json()["detail"],
    )
    assert (bytes(kept.body or b""), kept.size) == (body, len(body))


def test_nothing_is_read_before_it_is_verified(campaign: Campaign) -> None:
    source = stripe(campaign)

    answer = send(source, DEEP, {"Stripe-Signature": "t=1,v1=00"})

    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    kept = last(source)
    assert (kept.body, kept.headers, kept.query) == (None, {}, "")
    assert kept.size == len(DEEP)
    assert kept.address == "127.0.0.1"


def test_an_old_body_is_refused_and_said_to_be_old(campaign: Campaign) -> None:
    source = stripe(campaign)

    answer = send_signed(source, ORDER, at=int(time.time()) - 400)

    assert (answer.status_code, last(source).code) == (401, "too_old")
    assert not Event.objects.exists()


def test_a_large_body_is_not_even_read(campaign: Campaign) -> None:
    source = make_source(campaign)

    answer = send(source, b" " * (3 * 1024 * 1024))

    assert (answer.status_code, last(source).code) == (413, "body_too_large")
    assert last(source).body is None


DATA: dict[str, Any] = {"amount_total": 4999, "currency": "usd", "email": "a@b.example"}


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"data": {**DATA, "currency": "usdx"}}, "cannot_evaluate", "/amount"),
        ({"data": {**DATA, "amount_total": -5}}, "invalid_amount", "/amount"),
        ({"data": {**DATA, "email": "ann"}}, "invalid", "/participant/email"),
        ({"data": {**DATA, "email": ""}}, "exactly_one", "/participant"),
        ({"data": {**DATA, "email": ["a"]}}, "invalid", "/participant/email"),
        ({"data": {}}, "cannot_evaluate", "/participant/email"),
        ({"id": "x" * 201}, "max_length", "/event_id"),
        ({"id": {"a": 1}}, "invalid", "/event_id"),
        ({"id": "a\u0007"}, "control_character", "/event_id"),
    ],
)
def test_an_event_that_the_api_would_refuse_is_refused(
    campaign: Campaign, change: dict[str, Any], code: str, pointer: str
) -> None:
    source = stripe(campaign)

    answer = send_signed(source, {**ORDER, **change})

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}
    assert (last(source).status, last(source).code) == ("refused", code)


def test_a_campaign_that_was_not_launched_refuses(campaign: Campaign) -> None:
    Campaign.objects.update(status="draft")
    source = make_source(campaign)

    answer = send(source, PLAIN)

    assert (answer.status_code, last(source).code) == (409, "campaign_not_open")


# --- Floods -------------------------------------------------------------------------


def test_a_flood_of_strangers_leaves_a_few_lines_and_no_bodies(
    campaign: Campaign,
) -> None:
    source = stripe(campaign)

    for _ in range(70):
        assert send(source, ORDER).status_code == 401

    assert source.arrivals.count() == 60
    assert not source.arrivals.exclude(body=None).exists()
    assert last(source).reason.endswith(
        "More of this minute are refused without a line here."
    )


def test_strangers_do_not_use_up_the_room_of_a_source(
    campaign: Campaign, settings: Any
) -> None:
    source = stripe(campaign)
    for _ in range(20):
        send(source, ORDER)
    settings.SOURCE_LIMIT_PER_MINUTE = 100

    assert send_signed(source, ORDER).status_code == 200


def test_a_source_may_send_so_much_a_minute(campaign: Campaign, settings: Any) -> None:
    settings.SOURCE_LIMIT_PER_MINUTE = 3
    source = make_source(campaign)

    answers = [send(source, {**PLAIN, "event_id": str(n)}) for n in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert int(answers[-1]["Retry-After"]) > 0


def test_where_anybody_may_send_few_refused_bodies_are_kept(campaign: Campaign) -> None:
    source = make_source(campaign)

    for _ in range(15):
        send(source, b"{")

    assert source.arrivals.count() == 15
    assert source.arrivals.exclude(body=None).count() == 10


# --- Again --------------------------------------------------------------------------


@pytest.fixture
def client() -> APIClient:
    return caller(make_key())


def test_what_was_refused_is_read_again_once_its_mapping_is_right(
    campaign: Campaign, client: APIClient
) -> None:
    wrong = {**MAPPING, "event_id": "body.ident"}
    source = stripe(campaign, mapping=wrong)
    assert send_signed(source, ORDER).status_code == 422
    arrival = last(source)
    path = f"/api/v1/arrivals/{arrival.public_id}/replay"
    assert client.post(path).json()["status"] == "refused"

    client.patch(f"/api/v1/sources/{source.public_id}", {"mapping": MAPPING})
    answer = client.post(path)

    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["code"]) == ("recorded", "")
    assert answer.json()["event"] == Event.objects.get().public_id
    again = client.post(path)
    assert (again.status_code, again.json()["code"]) == (409, "already_recorded")


def test_what_is_read_again_happened_when_it_arrived(
    campaign: Campaign, client: APIClient
) -> None:
    source = stripe(campaign, mapping={**MAPPING, "when": "false"})
    send_signed(source, ORDER)
    before = timezone.now() - timedelta(days=3)
    source.arrivals.update(received_at=before)
    client.patch(f"/api/v1/sources/{source.public_id}", {"mapping": MAPPING})

    client.post(f"/api/v1/arrivals/{last(source).public_id}/replay")

    assert Event.objects.get().occurred_at == before


def test_what_was_ignored_may_turn_out_to_be_for_us(
    campaign: Campaign, client: APIClient
) -> None:
    source = stripe(campaign, mapping={**MAPPING, "when": "false"})
    send_signed(source, ORDER)
    client.patch(f"/api/v1/sources/{source.public_id}", {"mapping": MAPPING})

    answer = client.post(f"/api/v1/arrivals/{last(source).public_id}/replay")

    assert answer.json()["status"] == "recorded"


def test_what_proved_nothing_cannot_be_read_again(
    campaign: Campaign, client: APIClient
) -> None:
    source = stripe(campaign)
    send(source, ORDER)

    answer = client.post(f"/api/v1/arrivals/{last(source).public_id}/replay")

    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_replay")


def test_an_event_without_an_id_is_named_by_what_is_signed(campaign: Campaign) -> None:
    rules = {k: rule for k, rule in MAPPING.items() if k != "event_id"}
    source = stripe(campaign, mapping=rules)

    assert send_signed(source, ORDER).json()["outcome"] == "unmatched"
    assert send_signed(source, ORDER).json()["outcome"] == "duplicate"


def test_standard_webhooks_name_their_events(campaign: Campaign) -> None:
    rules = {k: rule for k, rule in MAPPING.items() if k != "event_id"}
    source = make_source(
        campaign,
        verification="standard_webhooks",
        secret=signed.STANDARD,
        mapping=rules,
    )
    raw = json.dumps(ORDER).encode()

    send(source, raw, signed.standard(raw, int(time.time()), name="msg_9"))

    assert Event.objects.get().event_id == "msg_9"

    crowd = {f"x-{n}": "x" for n in range(100)}
    again = {**crowd, **signed.standard(raw, int(time.time()), name="msg_9")}
    again["svix-id"] = "msg_10"
    assert send(source, raw, again).json()["outcome"] == "duplicate"


def test_of_somebody_who_was_erased_no_body_is_kept(
    campaign: Campaign, friend: Any, client: APIClient
) -> None:
    source = make_source(campaign)
    client.delete(f"/api/v1/participants/{friend.public_id}")
    body = {**PLAIN, "participant": {"id": friend.public_id}}

    assert send(source, body).status_code == 200

    assert (last(source).status, last(source).body) == ("recorded", None)
