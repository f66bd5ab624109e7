import pytest
from rest_framework.test import APIClient

from referral_factory.ids import new_id, to_public
from tests.api.callers import caller, make_key
from tests.api.urls import make_campaign

pytestmark = pytest.mark.urls("tests.api.urls")

THINGS = "/api/v1/things"


def test_the_other_mode_does_not_exist(api: APIClient, sandbox: APIClient) -> None:
    campaign = make_campaign(mode="live", name="Hidden")

    assert api.get(f"{THINGS}/{campaign.public_id}").status_code == 200
    answer = sandbox.get(f"{THINGS}/{campaign.public_id}")
    assert answer.status_code == 404
    assert b"Hidden" not in answer.content
    assert sandbox.get(THINGS).json()["results"] == []


def test_campaigns_outside_the_keys_list_do_not_exist() -> None:
    own = make_campaign(mode="live")
    other = make_campaign(mode="live")
    client = caller(make_key(campaign_ids=[own.pk])[1])

    assert client.get(f"{THINGS}/{own.public_id}").status_code == 200
    assert client.get(f"{THINGS}/{other.public_id}").status_code == 404
    assert [row["id"] for row in client.get(THINGS).json()["results"]] == [
        own.public_id
    ]


def test_an_unknown_and_a_hidden_id_are_answered_alike(sandbox: APIClient) -> None:
    hidden = make_campaign(mode="live").public_id
    unknown = to_public("cmp", new_id())

    answers = [sandbox.get(f"{THINGS}/{name}").json() for name in (hidden, unknown)]

    for answer in answers:
        del answer["request_id"]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "name",
    ["1", "cmp_", "ptc_01h455vb4pex5vsknk084sn02q", "%27", "a" * 3000, "%E2%82%AC"],
)
def test_what_is_no_id_of_this_kind_is_404(api: APIClient, name: str) -> None:
    answer = api.get(f"{THINGS}/{name}")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
