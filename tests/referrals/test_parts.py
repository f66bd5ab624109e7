"""Thousands in one call are done in parts, side by side: with the answers of one."""

import threading
import time
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from referral_factory.api import event_bulk
from referrals import bulk
from referrals.models import Campaign, Event, Participant, Referral
from referrals.services import participants
from referrals.services.events import Report
from tests.api.callers import caller, make_key
from tests.factories import make_campaign, make_participant, make_referral

# As on a web server: other connections see what this one has committed.
pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE, EVENTS = "/api/v1/participants/bulk", "/api/v1/events/bulk"


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "PART", 3)
    monkeypatch.setattr(event_bulk, "LARGE", 3)


@pytest.fixture
def api() -> APIClient:
    return caller(make_key(mode="test")[1])


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign()


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many people each transaction enrolled."""
    sizes: list[int] = []
    enrol = bulk._enrol_all

    def counted(people: Any, *args: Any, **kwargs: Any) -> Any:
        sizes.append(sum(len(some) for some in people.values()))
        return enrol(people, *args, **kwargs)

    monkeypatch.setattr(bulk, "_enrol_all", counted)
    return sizes


def send(
    api: APIClient, path: str, campaign: Campaign, rows: list[Any], **headers: str
) -> Any:
    answer = api.post(f"{path}?campaign={campaign.public_id}", rows, headers=headers)
    assert answer.status_code == 200, answer.content
    found = answer.json()["results"]
    assert [each["row"] for each in found] == list(range(1, len(rows) + 1))
    return found


def people(count: int) -> list[dict[str, Any]]:
    return [{"external_id": f"c-{n}", "name": f"Person {n}"} for n in range(count)]


def order(event_id: str, who: str, **fields: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "name": "purchase",
        "participant": {"external_id": who},
        "amount": "25.00",
        "currency": "USD",
        **fields,
    }


def slow_for(who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first part that this person is in takes its time."""
    enrol, met = participants.enrol_people, threading.Event()

    def slow(campaign: Any, some: Any, **kwargs: Any) -> Any:
        if any(each.external_id == who for each in some) and not met.is_set():
            met.set()
            time.sleep(0.2)
        return enrol(campaign, some, **kwargs)

    monkeypatch.setattr(bulk, "enrol_people", slow)


def test_people_are_enrolled_in_parts(
    api: APIClient, campaign: Campaign, commits: list[int]
) -> None:
    rows: list[Any] = [*people(7), {"email": "nobody"}]

    found = send(api, PEOPLE, campaign, rows)

    assert [each["status"] for each in found] == [201] * 7 + [422]
    by_id = {row.public_id: row.external_id for row in Participant.objects.all()}
    assert [by_id[each["id"]] for each in found[:7]] == [f"c-{n}" for n in range(7)]
    assert sorted(commits) == [1, 3, 3]


def test_who_comes_twice_is_updated_by_the_later_row(
    api: APIClient, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_for("c-0", monkeypatch)
    rows = [*people(6), {"external_id": "c-0", "name": "Later"}]

    found = send(api, PEOPLE, campaign, rows)

    assert (found[6]["outcome"], found[6]["same_person_as_row"]) == ("updated", 1)
    assert Participant.objects.get(external_id="c-0").name == "Later"


def test_person_of_two_names_is_updated_by_the_later_row(
    api: APIClient, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_participant(campaign=campaign, external_id="x", email="y@example.com")
    slow_for("x", monkeypatch)
    first, last = {"external_id": "x", "name": "First"}, {"email": "y@example.com"}

    send(api, PEOPLE, campaign, [first, *people(2), {**last, "name": "Last"}])

    assert Participant.objects.get(external_id="x").name == "Last"


def test_mailbox_goes_from_one_person_to_another(
    api: APIClient, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_participant(campaign=campaign, external_id="a", email="m@example.com")
    slow_for("a", monkeypatch)
    gives = {"external_id": "a", "email": "n@example.com"}
    takes = {"external_id": "b", "email": "m@example.com"}

    found = send(api, PEOPLE, campaign, [gives, *people(2), takes])

    assert [each["status"] for each in found] == [200, 201, 201, 201]


def test_claim_names_whom_an_earlier_part_enrolled(
    api: APIClient, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_for("c-0", monkeypatch)
    claim = {"external_id": "c-9", "referred_by": {"external_id": "c-0"}}

    found = send(api, PEOPLE, campaign, [*people(6), claim])

    assert found[6]["referral"] == Referral.objects.get().public_id


def test_claim_that_names_who_comes_later_is_refused(
    api: APIClient, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_for("c-9", monkeypatch)
    claim = {"external_id": "c-9", "referred_by": {"external_id": "c-5"}}

    found = send(api, PEOPLE, campaign, [claim, *people(6)])

    assert (found[0]["outcome"], found[0]["referral"]) == ("failed", None)


def test_call_that_can_be_repeated_is_one_transaction(
    api: APIClient, campaign: Campaign, commits: list[int]
) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first = send(api, PEOPLE, campaign, people(7), **headers)

    assert send(api, PEOPLE, campaign, people(7), **headers) == first
    assert commits == [7]


def test_rows_of_several_campaigns_are_enrolled_in_parts(
    api: APIClient, campaign: Campaign
) -> None:
    other = make_campaign().public_id
    rows = [{**row, "campaign": other} for row in people(5)]

    send(api, PEOPLE, campaign, [*people(5), *rows])

    assert sorted(c.participants.count() for c in Campaign.objects.all()) == [5, 5]


def test_fault_in_one_part_ends_the_call_after_the_others(
    api: APIClient, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol = participants.enrol_people

    def broken(campaign: Any, some: Any, **kwargs: Any) -> Any:
        if any(who.external_id == "c-3" for who in some):
            raise ZeroDivisionError
        return enrol(campaign, some, **kwargs)

    monkeypatch.setattr(bulk, "enrol_people", broken)

    answer = api.post(f"{PEOPLE}?campaign={campaign.public_id}", people(9))

    assert answer.status_code == 500
    kept = set(Participant.objects.values_list("external_id", flat=True))
    assert kept == {"c-0", "c-1", "c-2", "c-6", "c-7", "c-8"}


def test_events_are_judged_in_parts(api: APIClient, campaign: Campaign) -> None:
    for n in range(8):
        friend = make_participant(campaign=campaign, external_id=f"c-{n}")
        make_referral(campaign=campaign, friend=friend)
    rows = [order(f"o-{n}", f"c-{n}") for n in range(8)]

    found = send(api, EVENTS, campaign, [*rows, order("o-9", "c-0"), {"name": 3}])

    outcomes = [each["outcome"] for each in found]
    assert outcomes == ["qualified"] * 8 + ["recorded", "failed"]
    by_id = {row.public_id: row.event_id for row in Event.objects.all()}
    assert [by_id[each["id"]] for each in found[:8]] == [f"o-{n}" for n in range(8)]


def test_names_of_all_campaigns_are_held_before_anybody_is(
    api: APIClient, campaign: Campaign
) -> None:
    other = make_campaign()
    make_participant(campaign=campaign, external_id="c-0")
    rows = [order("o-0", "c-0"), order("o-1", "x", campaign=other.public_id)]

    with CaptureQueriesContext(connection) as captured:
        send(api, EVENTS, campaign, rows, **{"Idempotency-Key": "k-1"})

    said = [each["sql"] for each in captured]
    names = next(n for n, sql in enumerate(said) if "pg_advisory_xact_lock" in sql)
    people = next(n for n, sql in enumerate(said) if "FOR NO KEY UPDATE" in sql)
    assert names < people


def reports(*rows: dict[str, Any]) -> dict[int, Report]:
    return {
        n: Report(**{**row, "amount": Decimal(25)}) for n, row in enumerate(rows, 1)
    }


def test_all_events_of_a_person_are_in_one_part_in_their_order() -> None:
    rows = [order(f"o-{n}", f"c-{n % 10}") for n in range(100)]

    parts = event_bulk.parts_of(reports(*rows))

    assert len(parts) == event_bulk.PARTS
    assert sorted(n for part in parts for n in part) == list(range(1, 101))
    for part in parts:
        assert list(part) == sorted(part)
    where = [
        {report.participant["external_id"] for report in p.values()} for p in parts
    ]
    assert sum(len(names) for names in where) == 10


@pytest.mark.parametrize(
    "last",
    [
        order("o-0", "c-77"),
        order("r-1", "c-77", reverses="o-0"),
        {**order("o-9", ""), "participant": {"email": "ann@example.com"}},
    ],
    ids=["repeated", "taken back", "called otherwise"],
)
def test_events_that_may_concern_each_other_are_one_part(last: dict[str, Any]) -> None:
    rows = [order(f"o-{n}", f"c-{n}") for n in range(6)]

    assert len(event_bulk.parts_of(reports(*rows, last))) == 1


def test_person_may_have_several_codes() -> None:
    rows = [{**order(f"o-{n}", ""), "participant": {"code": f"C{n}"}} for n in range(9)]

    assert len(event_bulk.parts_of(reports(*rows))) == 1


def test_mailbox_is_one_person_however_it_is_written() -> None:
    named = ["ann@example.com", "Ann@Example.com"] * 4
    rows = [
        {**order(f"o-{n}", ""), "participant": {"email": email}}
        for n, email in enumerate(named)
    ]

    assert len(event_bulk.parts_of(reports(*rows))) == 1
