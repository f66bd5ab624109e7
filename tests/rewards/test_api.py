"""Reward rules and rewards as backends see them."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from referral_factory.access.services import ALL_SCOPES
from rewards.models import Reward, RewardRule
from tests.api.callers import caller
from tests.factories import make_campaign, make_key, make_reward, make_rule

V1 = "/api/v1"


def pointers(answer: Any) -> list[str]:
    return [error["pointer"] for error in answer.json()["errors"]]


def flagged(**fields: Any) -> Reward:
    return make_reward(status="flagged", decided_by="", decided_at=None, **fields)


# --- Rules --------------------------------------------------------------------------


def test_rule_is_made_listed_changed_and_retired(api: APIClient) -> None:
    campaign = make_campaign()
    rules = f"{V1}/campaigns/{campaign.public_id}/reward-rules"
    body = {"side": "advocate", "amount": "10", "currency": "USD"}

    made = api.post(rules, body)
    rule = f"{V1}/reward-rules/{made.json()['id']}"

    assert made.status_code == 201
    assert (made.json()["kind"], made.json()["amount"]) == ("fixed", "10.00")
    assert api.get(rules).json()["results"] == [made.json()]
    changed = api.patch(rule, {"amount": "12.50"}).json()
    assert (changed["amount"], changed["version"]) == ("12.50", 2)
    assert api.delete(rule).status_code == 204
    assert api.get(rules).json()["results"] == []
    assert api.get(rule).json()["retired_at"] is not None
    again = api.delete(rule)
    assert (again.status_code, again.json()["code"]) == (409, "rule_is_retired")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"side": "both"}, "/side"),
        ({"kind": "coupon"}, "/kind"),
        ({"amount": "0"}, "/amount"),
        ({"amount": "-5"}, "/amount"),
        ({"amount": "1.234"}, "/amount"),
        ({"amount": None}, "/amount"),
        ({"currency": "EUR"}, "/currency"),
        ({"currency": "dollars"}, "/currency"),
        ({"cap": "1"}, "/cap"),
    ],
)
def test_wrong_rule_is_named(
    api: APIClient, fields: dict[str, object], pointer: str
) -> None:
    url = f"{V1}/campaigns/{make_campaign().public_id}/reward-rules"
    body = {"side": "advocate", "amount": "10", "currency": "USD", **fields}
    answer = api.post(url, body)
    assert (answer.status_code, pointers(answer)) == (422, [pointer])
    assert not RewardRule.objects.exists()


@pytest.mark.parametrize("amount", ["0", "1.001", "x"])
def test_wrong_change_of_a_rule_is_named(api: APIClient, amount: str) -> None:
    url = f"{V1}/reward-rules/{make_rule().public_id}"
    answer = api.patch(url, {"amount": amount})
    assert (answer.status_code, pointers(answer)) == (422, ["/amount"])


@pytest.mark.parametrize("name", ["cmp_x", "spring", "rul_01m81n1kzwek0spm37vjcp7t6x"])
def test_rules_of_no_campaign_are_not_found(api: APIClient, name: str) -> None:
    assert api.get(f"{V1}/campaigns/{name}/reward-rules").status_code == 404


# --- Rewards ------------------------------------------------------------------------


def test_reward_shows_what_it_is_for(api: APIClient) -> None:
    reward = flagged()

    shown = api.get(f"{V1}/rewards/{reward.public_id}").json()

    assert shown["id"] == reward.public_id
    assert shown["referral"] == reward.referral.public_id
    assert shown["recipient"] == reward.referral.advocate.public_id
    assert shown["rule"] == reward.rule.public_id
    assert (shown["side"], shown["status"]) == ("advocate", "flagged")
    assert (shown["amount"], shown["currency"]) == ("10.00", "USD")
    assert shown["reasons"] == reward.reasons


def test_review_to_hand_over(api: APIClient) -> None:
    url = f"{V1}/rewards/{flagged(issued_by='', issued_at=None).public_id}"

    approved = api.post(f"{url}/approve", {"note": "I know them."}).json()
    assert (approved["status"], approved["decision_note"]) == (
        "approved",
        "I know them.",
    )
    assert (approved["approvals"], approved["needed"]) == (1, 1)
    assert approved["decided_by"].startswith("key:key_")
    issued = api.post(f"{url}/issue", {"reference": "payout-1"}).json()
    assert (issued["status"], issued["reference"]) == ("issued", "payout-1")
    taken = api.post(f"{url}/claw-back", {"note": "Chargeback."}).json()
    assert taken["status"] == "clawed_back"


def test_no_and_then_another_look(api: APIClient) -> None:
    url = f"{V1}/rewards/{flagged().public_id}"

    assert api.post(f"{url}/reject", {"note": "No."}).json()["status"] == "rejected"
    assert api.post(f"{url}/reopen", {"note": "Hm."}).json()["status"] == "flagged"
    assert api.post(f"{url}/cancel", {"note": "x"}).json()["status"] == "cancelled"


def test_second_approval_must_be_another_keys(api: APIClient) -> None:
    reward = flagged(campaign=make_campaign(review={"two_people_above": "5.00"}))
    url = f"{V1}/rewards/{reward.public_id}/approve"

    first = api.post(url, {}).json()
    assert (first["approvals"], first["needed"], first["status"]) == (1, 2, "flagged")
    same = api.post(url, {})
    assert (same.status_code, same.json()["code"]) == (409, "second_person_needed")
    second = caller(make_key()).post(url, {}).json()
    assert (second["approvals"], second["needed"]) == (2, 2)
    assert second["status"] == "approved"


@pytest.mark.parametrize(
    ("verb", "body", "legal"),
    [
        ("approve", {}, {"flagged"}),
        ("reject", {"note": "x"}, {"flagged"}),
        ("reopen", {"note": "x"}, {"rejected"}),
        ("issue", {"reference": "x"}, {"approved", "failed"}),
        (
            "cancel",
            {"note": "x"},
            {"pending", "flagged", "approved", "waiting", "failed"},
        ),
        ("claw-back", {"note": "x"}, {"issued"}),
    ],
)
def test_verb_that_does_not_fit_the_status_is_a_409(
    api: APIClient, verb: str, body: dict[str, str], legal: set[str]
) -> None:
    rule = make_rule()
    for status in set(Reward.Status.values) - legal:
        reward = make_reward(rule=rule, status=status)
        answer = api.post(f"{V1}/rewards/{reward.public_id}/{verb}", body)
        assert answer.status_code == 409, status
        assert answer.json()["code"] == "illegal_transition"
        reward.refresh_from_db()
        assert reward.status == status


@pytest.mark.parametrize(
    ("verb", "status", "field"),
    [
        ("reject", "flagged", "note"),
        ("reopen", "rejected", "note"),
        ("issue", "approved", "reference"),
        ("cancel", "approved", "note"),
        ("claw-back", "issued", "note"),
    ],
)
def test_what_a_verb_needs_is_named(
    api: APIClient, verb: str, status: str, field: str
) -> None:
    url = f"{V1}/rewards/{make_reward(status=status).public_id}/{verb}"
    for body in [{}, {field: ""}, {field: "  "}, {field: None}]:
        answer = api.post(url, body)
        assert (answer.status_code, pointers(answer)) == (422, [f"/{field}"])


@pytest.mark.parametrize(
    ("verb", "scope"),
    [
        ("approve", "rewards:review"),
        ("reject", "rewards:review"),
        ("reopen", "rewards:review"),
        ("issue", "rewards:issue"),
        ("claw-back", "rewards:issue"),
        ("cancel", "rewards:write"),
    ],
)
def test_each_verb_needs_its_scope(verb: str, scope: str) -> None:
    others = [each for each in ALL_SCOPES if each != scope]
    client = caller(make_key(scopes=others))
    answer = client.post(f"{V1}/rewards/{make_reward().public_id}/{verb}", {})
    assert answer.status_code == 403


def test_rewards_are_narrowed_down(api: APIClient) -> None:
    reward = make_reward(status="issued", disputed_at="2026-01-01T00:00Z")
    friends = make_reward(
        rule=make_rule(campaign=reward.campaign, side="friend"), status="approved"
    )

    for query, found in [
        ({"status": "issued"}, reward),
        ({"disputed": "true"}, reward),
        ({"disputed": "false"}, friends),
        ({"side": "friend"}, friends),
        ({"referral": reward.referral.public_id}, reward),
        ({"recipient": reward.recipient.public_id}, reward),
        ({"rule": friends.rule.public_id}, friends),
    ]:
        answer = api.get(f"{V1}/rewards", query).json()
        assert [row["id"] for row in answer["results"]] == [found.public_id], query


def test_unknown_status_is_a_400(api: APIClient) -> None:
    assert api.get(f"{V1}/rewards?status=paid").status_code == 400


def test_longer_list_takes_no_more_queries(api: APIClient) -> None:
    rule = make_rule()
    make_reward(rule=rule)
    api.get(f"{V1}/rewards")
    few = queries(api)
    for _ in range(10):
        make_reward(rule=rule, amount=Decimal(20))
    assert queries(api) <= few  # the first may have counted calls ahead


def queries(api: APIClient) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert api.get(f"{V1}/rewards").status_code == 200
    return len(captured)


def test_other_mode_does_not_exist() -> None:
    reward = make_reward(status="approved")
    live = caller(make_key(mode="live"))
    url = f"{V1}/rewards/{reward.public_id}"
    assert live.get(url).status_code == 404
    assert live.post(f"{url}/issue", {"reference": "x"}).status_code == 404
    assert live.get(f"{V1}/rewards").json()["results"] == []
    rule = f"{V1}/reward-rules/{reward.rule.public_id}"
    assert live.patch(rule, {"amount": "1"}).status_code == 404
    assert live.delete(rule).status_code == 404
