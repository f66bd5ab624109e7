"""What the list of participants can be narrowed down by."""

import json
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from referrals.models import Participant
from referrals.services.codes import rotate_code
from tests.factories import make_campaign, make_participant, make_referral
from tests.steps import NOON

URL = "/api/v1/participants"


def found(api: APIClient, **query: str) -> list[str]:
    answer = api.get(URL, query)
    assert answer.status_code == 200, answer.content
    return sorted(each["name"] for each in answer.json()["results"])


def test_people_are_found_by_any_part_of_their_attributes(api: APIClient) -> None:
    campaign = make_campaign()
    make_participant(
        campaign=campaign,
        name="Ann",
        attributes={"plan": "pro", "team": {"size": 3, "tags": ["a", "b"]}},
    )
    make_participant(campaign=campaign, name="Bob", attributes={"plan": "free"})

    def by(attributes: Any) -> list[str]:
        return found(api, attributes=json.dumps(attributes))

    assert by({"plan": "pro"}) == ["Ann"]
    assert by({"team": {"tags": ["b"]}}) == ["Ann"]
    assert by({"plan": "pro", "team": {"size": 4}}) == []
    assert by({"plan": "PRO"}) == []
    assert by({}) == ["Ann", "Bob"]


@pytest.mark.parametrize(
    "value",
    ["pro", "[1]", '"pro"', "{", '{"a": NaN}', '{"a": "\\u0000"}', "[" * 5000, "1"],
)
def test_attributes_that_are_no_json_object_are_a_400(
    api: APIClient, value: str
) -> None:
    answer = api.get(URL, {"attributes": value})

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/attributes", "invalid_json")


def test_people_are_found_by_what_they_are(api: APIClient) -> None:
    campaign = make_campaign()
    ann = make_participant(campaign=campaign, name="Ann", code="ANN-OF-OSLO")
    bob = make_participant(
        campaign=campaign, name="Bob", status="blocked", source="join"
    )
    make_referral(advocate=ann, friend=bob)

    assert found(api, source="join") == ["Bob"]
    assert found(api, status="blocked") == ["Bob"]
    assert found(api, referred="true") == ["Bob"]
    assert found(api, referred="false") == ["Ann"]
    assert found(api, code="ann-of-oslo") == ["Ann"]


@pytest.mark.parametrize(("works", "names"), [(True, ["Ann"]), (False, [])])
def test_people_are_found_by_a_former_code_as_long_as_it_works(
    api: APIClient, works: bool, names: list[str]
) -> None:
    ann = make_participant(name="Ann", code="ANN-OLD")
    rotate_code(ann, wall=NOON, keep_old=works)

    assert found(api, code="ann-old") == names


def test_filter_that_there_is_none_of_is_a_400(api: APIClient) -> None:
    answer = api.get(URL, {"surname": "Lee"})

    assert answer.json()["code"] == "unknown_parameter"


def test_filter_by_attributes_goes_by_its_index() -> None:
    rows = Participant.objects.filter(attributes__contains={"plan": "pro"}).order_by()
    with connection.cursor() as cursor:
        # Of a handful of rows, a scan is always the cheapest.
        cursor.execute("SET LOCAL enable_seqscan = off")

    assert "participant_attributes" in rows.explain()
