from base64 import b64encode
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.api.urls import make_campaign

pytestmark = pytest.mark.urls("tests.api.urls")

THINGS = "/api/v1/things"


def ids(answer: Any) -> list[str]:
    return [row["id"] for row in answer.json()["results"]]


def test_pages_cover_everything_once_newest_first(api: APIClient) -> None:
    made = [make_campaign(mode="live").public_id for _ in range(5)]

    pages, url = [], f"{THINGS}?limit=2"
    while url:
        answer = api.get(url)
        pages.append(ids(answer))
        url = answer.json()["next"]

    assert [len(page) for page in pages] == [2, 2, 1]
    assert [name for page in pages for name in page] == made[::-1]


def test_previous_leads_back(api: APIClient) -> None:
    for _ in range(3):
        make_campaign(mode="live")
    first = api.get(f"{THINGS}?limit=2")

    second = api.get(first.json()["next"])

    assert first.json()["previous"] is None
    assert ids(api.get(second.json()["previous"])) == ids(first)


def test_rows_that_are_added_do_not_move_the_next_page(api: APIClient) -> None:
    made = [make_campaign(mode="live").public_id for _ in range(4)]
    first = api.get(f"{THINGS}?limit=2")

    make_campaign(mode="live")

    assert ids(api.get(first.json()["next"])) == [made[1], made[0]]


def test_the_order_can_be_turned_round(api: APIClient) -> None:
    made = [make_campaign(mode="live").public_id for _ in range(3)]

    assert ids(api.get(f"{THINGS}?ordering=id")) == made


@pytest.mark.parametrize("limit", ["0", "-1", "201", "x", "", "1.5", "٣", "9" * 5000])
def test_a_limit_is_a_number_from_1_to_200(api: APIClient, limit: str) -> None:
    answer = api.get(THINGS, {"limit": limit})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/limit"


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        "=" * 1000,
        b64encode(b"p=x").decode(),
        b64encode(b"p=1&o=-5").decode(),
        b64encode(b"o=99999999999999999999&p=1").decode(),
        b64encode(b"\xff\xfe").decode(),
        b64encode(b"p=%00").decode(),
        b64encode("p=\ud800".encode("utf-8", "surrogatepass")).decode(),
    ],
)
def test_a_cursor_that_was_not_given_out_is_a_400(api: APIClient, cursor: str) -> None:
    answer = api.get(THINGS, {"cursor": cursor})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "invalid_cursor"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mod", "live"),
        ("slug__startswith", "a"),
        ("campaign__owner", "x"),
        ("Limit", "1"),
    ],
)
def test_an_unknown_filter_is_a_400_that_names_it(
    api: APIClient, name: str, value: str
) -> None:
    answer = api.get(THINGS, {name: value})

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["pointer"] == f"/{name}"
    assert error["code"] == answer.json()["code"] == "unknown_parameter"
    assert name in answer.json()["detail"]


@pytest.mark.parametrize("ordering", ["name", "-name", "id,-id", "owner__x", ""])
def test_an_order_that_is_not_offered_is_a_400(api: APIClient, ordering: str) -> None:
    assert api.get(THINGS, {"ordering": ordering}).status_code == 400


def test_filters_narrow_the_list(api: APIClient) -> None:
    first = make_campaign(mode="live", name="First")
    second = make_campaign(mode="live", name="Second")

    assert ids(api.get(THINGS, {"status": "live"})) == []
    assert ids(api.get(THINGS, {"only": first.public_id})) == [first.public_id]
    later = {"from": second.created_at.isoformat()}
    assert ids(api.get(THINGS, later)) == [second.public_id]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "nonsense"),
        ("only", "1"),
        ("only", "ptc_01h455vb4pex5vsknk084sn02q"),
        ("from", "2026-01-31"),
        ("from", "2026-01-31T12:00:00"),
    ],
)
def test_a_filter_value_that_makes_no_sense_is_a_400(
    api: APIClient, name: str, value: str
) -> None:
    answer = api.get(THINGS, {name: value})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"/{name}"


@pytest.mark.parametrize("method", ["get", "post"])
def test_other_routes_refuse_unknown_parameters_too(
    api: APIClient, method: str
) -> None:
    url = (
        f"{THINGS}/open"
        if method == "post"
        else (f"{THINGS}/{make_campaign(mode='live').public_id}")
    )

    answer = getattr(api, method)(f"{url}?dryrun=true")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/dryrun"
