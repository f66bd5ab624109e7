"""The log of sources: what is shown of it, what is kept, and what is erased."""

import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from rest_framework.test import APIClient

from referral_factory.access.models import IdempotencyKey
from referrals.models import Campaign
from tests.api.callers import caller
from tests.factories import (
    make_arrival,
    make_campaign,
    make_event,
    make_key,
    make_participant,
    make_source,
)
from webhooks.models import Arrival, Source

PERSON = {
    "email": "zoë.quux@quux.example",
    "external_id": "quux-17",
    "name": "Zoë Quux",
}


@pytest.fixture
def client() -> APIClient:
    return caller(make_key())


@pytest.fixture
def source() -> Source:
    return make_source(campaign=make_campaign())


def erase(client: APIClient, campaign: Campaign) -> Any:
    person = make_participant(campaign=campaign, **PERSON)
    event = make_event(participant=person)
    yield event
    answer = client.delete(f"/api/v1/participants/{person.public_id}")
    assert answer.status_code == 200, answer.content


# --- Erasing ------------------------------------------------------------------------

SPELLED: dict[str, dict[str, Any]] = {
    "as text": {"body": json.dumps(PERSON, ensure_ascii=False).encode()},
    "as JSON": {"body": json.dumps({"e": PERSON["email"]}).encode()},
    "as a form": {"body": f"e={quote_plus(PERSON['email'])}".encode()},
    "in capitals": {"body": b'{"id": "QUUX-17"}'},
    "after a break": {"body": rb'{"note": "Dear\nquux-17"}'},
    "in the query": {"query": "who=quux-17"},
    "in a header": {"headers": {"x-who": "quux-17"}},
    "in bytes": {"body": b"\xff\x00 quux-17"},
}


@pytest.mark.parametrize("name", SPELLED)
def test_what_names_an_erased_person_is_dropped(
    client: APIClient, source: Source, name: str
) -> None:
    kept = make_arrival(source=source, **SPELLED[name])

    for _ in erase(client, source.campaign):
        pass

    kept.refresh_from_db()
    assert (kept.body, kept.headers, kept.query) == (None, {}, "")
    assert (kept.status, kept.code) == ("refused", "bad_mapping")


def test_a_name_is_found_as_browsers_write_it_into_forms(
    client: APIClient, source: Source
) -> None:
    kept = make_arrival(source=source, body=b"name=Zo%C3%AB%20O'Quux")
    person = {"campaign": source.campaign, "name": "Zoë O'Quux"}

    client.delete(f"/api/v1/participants/{make_participant(**person).public_id}")

    kept.refresh_from_db()
    assert kept.body is None


def test_what_became_an_event_of_theirs_is_dropped(
    client: APIClient, source: Source
) -> None:
    erasing = erase(client, source.campaign)
    kept = make_arrival(source=source, status="recorded", event=next(erasing))

    list(erasing)

    kept.refresh_from_db()
    assert kept.body is None


def test_a_reason_forgets_their_name(client: APIClient, source: Source) -> None:
    kept = make_arrival(source=source, reason="No order of quux-17, it seems.")

    for _ in erase(client, source.campaign):
        pass

    kept.refresh_from_db()
    assert kept.reason == "No order of [erased], it seems."


def test_what_others_sent_stays(client: APIClient, source: Source) -> None:
    same = make_arrival(source=source, body=b'{"id": "quu-17"}')
    elsewhere = make_arrival(body=b'{"id": "quux-17"}')

    for _ in erase(client, source.campaign):
        pass

    for kept in (same, elsewhere):
        kept.refresh_from_db()
        assert kept.body is not None


# --- What the API shows -------------------------------------------------------------


def test_the_log_shows_lines_without_bodies(client: APIClient, source: Source) -> None:
    arrival = make_arrival(source=source, body=b"secret body")

    answer = client.get(f"/api/v1/sources/{source.public_id}/arrivals?status=refused")

    (line,) = answer.json()["results"]
    assert (line["id"], line["code"], line["reason"]) == (
        arrival.public_id,
        "bad_mapping",
        "A reason.",
    )
    assert "body" not in line


def test_one_arrival_is_shown_with_its_body(client: APIClient, source: Source) -> None:
    arrival = make_arrival(source=source, body=b'{"a": "\xff\x00"}')

    answer = client.get(f"/api/v1/arrivals/{arrival.public_id}")

    assert answer.json()["body"] == '{"a": "\ufffd\ufffd"}'


def test_a_secret_is_shown_once(client: APIClient, source: Source) -> None:
    body = {
        "campaign": source.campaign.public_id,
        "name": "Shop",
        "verification": "standard_webhooks",
    }
    made = client.post("/api/v1/sources", body).json()
    assert made["secret"].startswith("whsec_")
    assert made["url"].endswith(f"/in/{made['id']}")

    shown = client.get(f"/api/v1/sources/{made['id']}")

    assert made["secret"] not in shown.content.decode()
    assert (shown.json()["secrets"], shown.json()["hmac"]) == (1, None)


def test_a_secret_that_was_brought_along_is_never_shown(
    client: APIClient, source: Source
) -> None:
    body = {
        "campaign": source.campaign.public_id,
        "name": "Payments",
        "verification": "hmac",
        "hmac": {"preset": "stripe", "tolerance": 60},
        "secret": "whsec_of_the_other_system",
    }
    made = client.post("/api/v1/sources", body).json()

    assert made["secret"] is None
    assert (made["hmac"]["header"], made["hmac"]["tolerance"]) == (
        "Stripe-Signature",
        60,
    )
    again = client.post(f"/api/v1/sources/{made['id']}/rotate-secret", {}).json()
    assert again["secret"]
    assert again["secrets"] == 2
    at_once = {"overlap_hours": 0, "secret": "another-one-of-theirs"}
    last = client.post(f"/api/v1/sources/{made['id']}/rotate-secret", at_once).json()
    assert (last["secret"], last["secrets"]) == (None, 1)


GOOD = {"name": '"purchase"', "participant": {"email": "body.email"}}


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"mapping": {**GOOD, "amount": "body.("}}, "/mapping/amount", "Unexpected"),
        ({"mapping": {**GOOD, "amount": "bdy.a"}}, "/mapping/amount", "did you mean"),
        (
            {"mapping": {**GOOD, "properties": {"a": "x y"}}},
            "/mapping/properties/a",
            "",
        ),
        ({"mapping": {"name": '"x"'}}, "/mapping/participant", "needs it"),
        ({"mapping": {**GOOD, "participant": {}}}, "/mapping/participant", "whom"),
        ({"mapping": {**GOOD, "nome": "1"}}, "/mapping/nome", "name"),
        ({"mapping": {**GOOD, "event_id": "headers.x"}}, "/mapping/event_id", "signed"),
        (
            {
                "verification": "standard_webhooks",
                "secret": None,
                "hmac": None,
                "mapping": {**GOOD, "event_id": "query.x"},
            },
            "/mapping/event_id",
            "signed",
        ),
        ({"hmac": {}}, "/hmac", "preset"),
        ({"hmac": {"preset": "paypal"}}, "/hmac/preset", ""),
        ({"hmac": {"header": "X\r\nY: z"}}, "/hmac/header", ""),
        ({"hmac": {"header": "X Y"}}, "/hmac/header", "header"),
        ({"hmac": {"header": "X", "signed": "{timestamp}"}}, "/hmac", "{body}"),
        ({"hmac": {"header": "X", "timestamp_header": "T"}}, "/hmac", "{timestamp}"),
        ({"hmac": {"header": "X", "algorithm": "md5"}}, "/hmac/algorithm", ""),
        ({"hmac": {"preset": "github", "tolerance": 0}}, "/hmac/tolerance", ""),
        ({"secret": "short"}, "/secret", "16"),
        ({"verification": "bearer"}, "/hmac", "hmac"),
        ({"verification": "none", "hmac": None}, "/secret", "no secret"),
        (
            {"verification": "standard_webhooks", "secret": "x" * 30, "hmac": None},
            "/secret",
            "whsec_",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(
    client: APIClient, source: Source, change: dict[str, Any], pointer: str, words: str
) -> None:
    sound = {
        "campaign": source.campaign.public_id,
        "name": "Shop",
        "verification": "hmac",
        "hmac": {"preset": "github"},
        "secret": "a-secret-long-enough",
    }
    body = {name: value for name, value in {**sound, **change}.items() if value}
    if change.get("hmac") == {}:
        body["hmac"] = {}
    before = Source.objects.count()

    answer = client.post("/api/v1/sources", body)

    assert answer.status_code == 422, answer.content
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert words in error["detail"]
    assert Source.objects.count() == before


def test_in_live_mode_a_source_proves_itself() -> None:
    campaign = make_campaign(mode="live")
    body = {"campaign": campaign.public_id, "name": "Shop", "verification": "none"}

    answer = caller(make_key(mode="live")).post("/api/v1/sources", body)

    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/verification", "not_verified")


# --- Trying a mapping out -----------------------------------------------------------


def preview(client: APIClient, source: Source, **given: Any) -> Any:
    answer = client.post(f"/api/v1/sources/{source.public_id}/preview", given)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_preview_says_what_a_sample_would_become(
    client: APIClient, source: Source
) -> None:
    rules = {
        **GOOD,
        "amount": "body.total",
        "currency": 'headers["x-currency"]',
        "occurred_at": "body.at",
        "properties": {"plan": "query.plan"},
    }

    told = preview(
        client,
        source,
        mapping=rules,
        sample={"email": "ann@shop.example", "total": 19.99, "at": 1_700_000_000},
        headers={"X-Currency": "usd"},
        query="plan=gold",
    )

    assert told["outcome"] == "event"
    event = told["event"]
    assert event.pop("event_id").startswith("sha256:")
    assert event == {
        "name": "purchase",
        "participant": {"email": "ann@shop.example"},
        "occurred_at": "2023-11-14T22:13:20Z",
        "amount": "19.99",
        "currency": "USD",
        "reverses": None,
        "properties": {"plan": "gold"},
    }
    assert not Arrival.objects.exists()


def test_a_preview_of_something_that_arrived(client: APIClient, source: Source) -> None:
    arrival = make_arrival(source=source, body=b'{"email": "ann@shop.example"}')

    told = preview(client, source, arrival=arrival.public_id, mapping=GOOD)

    assert told["event"]["participant"] == {"email": "ann@shop.example"}
    arrival.refresh_from_db()
    assert (arrival.status, arrival.replayed_at) == ("refused", None)


def test_a_preview_says_what_is_wrong(client: APIClient, source: Source) -> None:
    told = preview(client, source, mapping=GOOD, body='{"emial": "a@b.example"}')

    assert (told["outcome"], told["event"]) == ("refused", None)
    assert told["errors"] == [
        {
            "pointer": "/participant/email",
            "detail": "body has no field email; did you mean emial?",
            "code": "cannot_evaluate",
        }
    ]
    lacking = preview(client, source, mapping=GOOD, body="{}")
    assert lacking["reason"].endswith(
        "If a body may lack it, ask first: has(body.email) ? body.email : null"
    )
    ignored = preview(client, source, mapping={**GOOD, "when": "false"}, sample={})
    assert ignored["outcome"] == "ignored"


def test_of_several_names_the_first_that_gives_something_is_taken(
    client: APIClient, source: Source
) -> None:
    rules = {
        "name": "body.type",
        "participant": {
            "external_id": "has(body.customer) ? body.customer : null",
            "email": "body.email",
        },
    }
    sample = {"type": "purchase", "email": "a@b.example"}

    first = preview(client, source, mapping=rules, sample={**sample, "customer": 17})
    second = preview(client, source, mapping=rules, sample=sample)

    assert first["event"]["participant"] == {"external_id": "17"}
    assert second["event"]["participant"] == {"email": "a@b.example"}


def test_no_stored_answer_holds_what_was_sent(
    client: APIClient, source: Source
) -> None:
    words = b'{"note": "quux-17"}'
    arrival = make_arrival(source=source, body=words, query="who=quux-17")
    key = {"Idempotency-Key": "one"}

    replayed = client.post(f"/api/v1/arrivals/{arrival.public_id}/replay", headers=key)
    tried = client.post(
        f"/api/v1/sources/{source.public_id}/preview",
        {"sample": {"note": "quux-17"}},
        headers={"Idempotency-Key": "two"},
    )

    assert "quux-17" in replayed.json()["body"]
    assert tried.status_code == 200
    (stored,) = IdempotencyKey.objects.values_list("key", "body")
    assert stored[0] == "one"
    assert "quux-17" not in stored[1]
