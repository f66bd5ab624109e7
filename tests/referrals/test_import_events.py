"""A file of events: the same machinery as for people, and each row an event."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from referrals.models import Campaign, Event, ImportName, Referral
from referrals.services.erasing import erase_participant
from tests.api.callers import caller
from tests.factories import make_campaign, make_key, make_participant, make_referral
from tests.referrals.imports import (
    IMPORTS,
    fault_file,
    faults,
    upload,
    work,
)

HEADER = "Order ID,Customer ID,E-Mail,Order date,Total,Currency,properties.sku\n"


@pytest.fixture
def referral() -> Referral:
    return make_referral()


@pytest.fixture
def campaign(referral: Referral) -> Campaign:
    return referral.campaign


@pytest.fixture
def client() -> APIClient:
    return caller(make_key())


def sent(client: APIClient, campaign: Campaign, body: str, **query: str) -> Any:
    answer = upload(client, campaign, body, kind="events", **query)
    assert answer.status_code == 201, answer.json()
    work()
    return client.get(f"{IMPORTS}/{answer.json()['id']}").json()


def rows(referral: Referral) -> str:
    today = timezone.now().date().isoformat()
    friend = referral.friend.external_id
    return (
        f"{HEADER}"
        f"o-1,{friend},,{today},25.00,USD,hat\n"
        f"o-2,,stranger@shop.example,{today},30.00,USD,\n"
    )


def test_columns_are_guessed_and_a_dry_run_records_nothing(
    client: APIClient, campaign: Campaign, referral: Referral
) -> None:
    shown = sent(client, campaign, rows(referral))

    assert (shown["status"], shown["kind"]) == ("checked", "events")
    assert shown["mapping"] == {
        "Order ID": "event_id",
        "Customer ID": "participant.external_id",
        "E-Mail": "participant.email",
        "Order date": "occurred_at",
        "Total": "amount",
        "Currency": "currency",
        "properties.sku": "properties.sku",
    }
    assert shown["notes"] == [
        "No column says what happened: every row is taken for the milestone, purchase."
    ]
    assert shown["counts"]["created"] == 2
    assert shown["sample"][0]["read"] == {
        "event_id": "o-1",
        "participant": {"external_id": referral.friend.external_id},
        "occurred_at": f"{timezone.now().date()}T00:00:00Z",
        "amount": "25.00",
        "currency": "USD",
        "properties": {"sku": "hat"},
    }
    assert not Event.objects.exists()


def test_running_it_records_and_judges_every_row(
    client: APIClient, campaign: Campaign, referral: Referral
) -> None:
    shown = sent(client, campaign, rows(referral), dry_run="false")

    assert (shown["status"], shown["counts"]["created"]) == ("done", 2)
    first, second = Event.objects.order_by("event_id")
    assert (first.name, first.outcome) == ("purchase", "qualified")
    assert (first.amount, first.currency) == (Decimal(25), "USD")
    assert first.properties == {"sku": "hat"}
    assert {first.source, second.source} == {shown["id"]}
    assert (second.outcome, second.person) == (
        "unmatched",
        "email:stranger@shop.example",
    )
    referral.refresh_from_db()
    assert referral.status == Referral.Status.QUALIFIED


def test_the_same_file_again_changes_nothing(
    client: APIClient, campaign: Campaign, referral: Referral
) -> None:
    sent(client, campaign, rows(referral), dry_run="false")
    tried = sent(client, campaign, rows(referral))
    again = sent(client, campaign, rows(referral), dry_run="false")

    for shown in (tried, again):
        assert (shown["counts"]["created"], shown["counts"]["unchanged"]) == (0, 2)
    assert Event.objects.count() == 2


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_of_rows_with_one_event_id_the_first_counts(
    client: APIClient, campaign: Campaign, dry_run: str
) -> None:
    body = "event_id,external_id,amount\no-1,c-1,25\no-1,c-2,30\n"

    shown = sent(client, campaign, body, dry_run=dry_run)

    counts = shown["counts"]
    assert (counts["created"], counts["unchanged"], counts["repeated"]) == (1, 1, 1)
    assert shown["notes"][-1].startswith("Rows with the event_id of an earlier row: 1.")
    assert not ImportName.objects.exists()


def test_bad_rows_say_why_and_good_ones_are_kept(
    client: APIClient, campaign: Campaign
) -> None:
    tomorrow = (timezone.now() + timedelta(days=1)).date().isoformat()
    body = (
        "event_id,external_id,code,occurred_at,amount\n"
        "o-1,c-1,,,25.00\n"
        "o-2,,,,25.00\n"
        "o-3,c-1,,,-5\n"
        f"o-4,c-1,,{tomorrow},\n"
        "o-5,,nobody-has-it,,\n"
        'o-6,c-1,,,"12,50"\n'
    )

    shown = sent(client, campaign, body, dry_run="false")

    assert sorted(Event.objects.values_list("event_id", "amount")) == [
        ("o-1", Decimal(25)),
        ("o-6", Decimal("12.5")),
    ]
    found = [(f["row"], f["column"], f["code"]) for f in faults(client, shown)]
    assert found == [
        (2, "", "required"),
        (3, "amount", "invalid_amount"),
        (4, "occurred_at", "in_the_future"),
        (5, "code", "unknown"),
    ]
    assert "o-3,c-1,,,'-5,3,amount,invalid_amount" in fault_file(client, shown)


@pytest.mark.parametrize(
    "header", ["external_id,amount", "event_id,amount", "Day,Weather"]
)
def test_a_file_without_ids_of_events_or_people_is_refused(
    client: APIClient, campaign: Campaign, header: str
) -> None:
    answer = upload(client, campaign, f"{header}\n1,2\n", kind="events")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "no_usable_column"


def test_a_campaign_that_ended_still_takes_events(client: APIClient) -> None:
    body = "event_id,external_id\no-1,c-1\n"
    ended = make_campaign(status="ended", ended_at=timezone.now())
    draft = make_campaign(status="draft", launched_at=None)

    assert sent(client, ended, body, dry_run="false")["status"] == "done"
    assert upload(client, draft, body, kind="events").status_code == 409


def test_somebody_erased_since_the_upload_is_not_spoken_of(
    client: APIClient, campaign: Campaign
) -> None:
    person = make_participant(campaign=campaign)
    body = f"event_id,external_id\no-1,{person.external_id}\n"
    answer = upload(client, campaign, body, kind="events")
    work()
    erase_participant(person, wall=timezone.now())

    client.post(f"{IMPORTS}/{answer.json()['id']}/run")
    work()

    assert not Event.objects.exists()
    assert faults(client, answer.json())[0]["code"] == "erased_since_upload"


def key(*scopes: str) -> str:
    return make_key(scopes=list(scopes))


def test_a_key_handles_only_the_kinds_that_it_has_the_scopes_of(
    campaign: Campaign,
) -> None:
    people, events = "email\nann@shop.example\n", "event_id,external_id\no-1,c-1\n"
    crm = caller(key("participants:read", "participants:write"))
    shop = caller(key("events:read", "events:write"))
    nobody = caller(key("referrals:write"))

    assert upload(crm, campaign, events, kind="events").status_code == 403
    assert upload(shop, campaign, people).status_code == 403
    assert upload(nobody, campaign, events, kind="events").status_code == 403
    ours = upload(shop, campaign, events, kind="events").json()["id"]
    theirs = upload(crm, campaign, people).json()["id"]
    assert shop.get(f"{IMPORTS}/{ours}").status_code == 200
    assert shop.get(f"{IMPORTS}/{theirs}").status_code == 404
    assert crm.post(f"{IMPORTS}/{ours}/run").status_code == 404
    assert [each["id"] for each in crm.get(IMPORTS).json()["results"]] == [theirs]
