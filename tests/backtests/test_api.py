"""Backtests over the API."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from referral_factory.backtests.models import Backtest
from referrals.models import Campaign, Referral
from tests.api.callers import caller
from tests.factories import make_campaign, make_key, make_rule
from tests.steps import referred, report


@pytest.fixture
def client() -> APIClient:
    return caller(make_key())


@pytest.fixture
def campaign() -> Campaign:
    campaign = make_campaign()
    make_rule(campaign=campaign)
    return campaign


def ask(client: APIClient, campaign: Campaign, **body: Any) -> Any:
    return client.post(f"/api/v1/campaigns/{campaign.public_id}/backtest", body)


def missed(campaign: Campaign) -> Referral:
    referral = referred(campaign=campaign)
    report(referral.friend, "15")
    return referral


def test_a_small_one_is_answered_at_once(client: APIClient, campaign: Campaign) -> None:
    missed(campaign)

    answer = ask(client, campaign, milestone={"minimum_amount": "10"})

    assert answer.status_code == 201, answer.content
    said = answer.json()
    assert said["status"] == "done"
    assert said["differs"] == [
        {"rule": "minimum_amount", "now": "20.00", "tried": "10.00"},
    ]
    result = said["result"]
    assert result["qualified"] == {"really": 0, "tried": 1, "more": 1, "fewer": 0}
    assert result["cost"] == [
        {
            "currency": "USD",
            "really": "0.00",
            "tried": "10.00",
            "difference": "10.00",
        }
    ]
    assert said["progress"]["percent"] == 100


def test_its_changes_say_which_referrals_and_why(
    client: APIClient, campaign: Campaign
) -> None:
    referral = missed(campaign)
    said = ask(client, campaign, milestone={"minimum_amount": "10"}).json()

    (change,) = client.get(said["changes_url"]).json()["results"]

    assert change["referral"] == referral.public_id
    assert change["change"] == "qualifies"
    assert change["why"]["event"] == referral.friend.events.get().public_id
    *_, last = change["why"]["really"]["explanation"]
    assert (last["check"], last["passed"]) == ("amount_reached", False)
    assert change["rewards"]["tried"] == [
        {"side": "advocate", "kind": "fixed", "amount": "10.00", "currency": "USD"}
    ]


def test_what_takes_longer_is_found_again(
    client: APIClient, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("referral_factory.backtests.services.AT_ONCE", 0.0)
    monkeypatch.setattr("referral_factory.backtests.history.CHUNK", 1)
    monkeypatch.setattr("referral_factory.backtests.trial.CHUNK", 1)
    missed(campaign)

    answer = ask(client, campaign, milestone={"minimum_amount": "10"})

    assert answer.status_code == 202
    again = client.get(f"/api/v1/backtests/{answer.json()['id']}").json()
    assert (again["status"], again["progress"]["referrals"]) == ("running", 1)


def test_one_that_runs_can_be_cancelled(client: APIClient, campaign: Campaign) -> None:
    said = ask(client, campaign).json()
    Backtest.objects.update(status="running", finished_at=None)
    path = f"/api/v1/backtests/{said['id']}/cancel"

    assert client.post(path).json()["status"] == "cancelled"
    assert client.post(path).status_code == 409


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "Other"}, "/name"),
        ({"milestone": {"amount": "1"}}, "/milestone/amount"),
        ({"milestone": {"count": 2, "sum": "5"}}, "/milestone/count"),
        ({"milestone": {"condition": "event.amuont > 2"}}, "/milestone/condition"),
        ({"milestone": {"minimum_amount": "1.001"}}, "/milestone/minimum_amount"),
        ({"reward_rules": [{"side": "friend"}]}, "/reward_rules/0/amount"),
        (
            {"reward_rules": [{"side": "friend", "amount": "1", "currency": "EUR"}]},
            "/reward_rules/0/currency",
        ),
        (
            {"reward_rules": [{"side": "friend", "amount": "0.001"}]},
            "/reward_rules/0/amount",
        ),
        ({"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"}, "/to"),
    ],
)
def test_bad_rules_are_refused_with_their_place(
    client: APIClient, campaign: Campaign, body: dict[str, Any], pointer: str
) -> None:
    answer = ask(client, campaign, **body)

    assert answer.status_code == 422, answer.content
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not Backtest.objects.exists()


def test_only_so_many_run_at_once(client: APIClient, campaign: Campaign) -> None:
    for _ in range(5):
        ask(client, campaign)
    Backtest.objects.update(status="running", finished_at=None)

    answer = ask(client, campaign)

    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_backtests")


def test_changes_are_for_who_may_read_referrals(campaign: Campaign) -> None:
    narrow = caller(make_key(scopes=["campaigns:read", "campaigns:write"]))

    said = ask(narrow, campaign).json()

    assert narrow.get(f"/api/v1/backtests/{said['id']}").status_code == 200
    assert narrow.get(said["changes_url"]).status_code == 403
