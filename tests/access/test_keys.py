import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from referral_factory.access.models import ApiKey
from referral_factory.access.services import (
    ALL_SCOPES,
    REMEMBERED_FOR,
    forget_keys,
    revoke_key,
)
from referral_factory.ids import new_id, to_public
from tests.api.callers import caller, make_key
from tests.factories import NOBODY

pytestmark = pytest.mark.urls("tests.api.urls")

KEYS = "/api/v1/keys"


def made(api: APIClient, **fields: Any) -> Any:
    return api.post(KEYS, {"name": "New", "scopes": ["keys:read"], **fields})


def test_only_a_hash_of_the_key_is_stored() -> None:
    key, text = make_key()

    stored = ApiKey.objects.filter(pk=key.pk).values().get()

    assert stored["secret_hash"] == hashlib.sha256(text.encode()).hexdigest()
    secret = text.removeprefix(key.start)
    assert len(secret) == 32
    assert not any(secret in str(value) for value in stored.values())


def test_the_key_is_shown_once(api: APIClient) -> None:
    answer = made(api).json()

    assert answer["secret"].startswith(answer["start"])
    for shown in api.get(KEYS).json()["results"]:
        assert answer["secret"] not in str(shown)
        assert "secret_hash" not in shown


def test_a_new_key_works_with_its_scopes_only(api: APIClient) -> None:
    new = caller(made(api).json()["secret"])

    assert new.get(KEYS).status_code == 200
    refused = new.post(KEYS, {"name": "x", "scopes": ["keys:read"]})
    assert refused.status_code == 403
    assert refused.json()["code"] == "missing_scope"
    assert "keys:write" in refused.json()["detail"]


@pytest.mark.parametrize("action", ["sign", "close"])
def test_a_scope_of_its_own_replaces_that_of_the_resource(action: str) -> None:
    issuer = caller(make_key(scopes=["rewards:issue"])[1])

    status = issuer.post(f"/api/v1/things/{action}").status_code

    assert status == {"sign": 201, "close": 403}[action]


def test_a_route_without_scope_takes_any_key() -> None:
    anybody = caller(make_key(scopes=[])[1])

    assert anybody.post("/api/v1/things/open", {}).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer rf_live_abc",
        "Bearer rf_live_" + "a" * 40,
        "Bearer rf_live_" + "é" * 40,
        "Bearer \x00",
        "Basic dXNlcjpwYXNz",
        "Bearer " + "a" * 100_000,
    ],
)
def test_without_a_good_key_the_answer_is_401(header: str) -> None:
    client = APIClient(raise_request_exception=False)

    answer = client.get(KEYS, headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_key_with_one_letter_changed_does_not_work() -> None:
    _, text = make_key()
    other = text[:-1] + ("a" if text[-1] != "a" else "b")

    assert caller(other).get(KEYS).status_code == 401


def test_a_revoked_key_stops_at_once(api: APIClient) -> None:
    key, text = make_key()
    client = caller(text)
    assert client.get(KEYS).status_code == 200

    answer = api.post(f"{KEYS}/{key.public_id}/revoke")

    assert answer.json()["revoked_at"] is not None
    assert client.get(KEYS).status_code == 401


def test_revoking_again_keeps_the_first_time() -> None:
    key, _ = make_key()
    first = timezone.now()

    revoke_key(key, now=first)
    revoke_key(key, now=first + timedelta(hours=1))

    assert key.revoked_at == first


def test_an_expired_key_stops() -> None:
    now = timezone.now()
    _, ending = make_key(expires_at=now + timedelta(minutes=1))
    _, over = make_key(expires_at=now)

    assert caller(ending).get(KEYS).status_code == 200
    assert caller(over).get(KEYS).status_code == 401


def test_several_keys_work_side_by_side() -> None:
    for _, text in [make_key(), make_key()]:
        assert caller(text).get(KEYS).status_code == 200


def test_last_use_is_kept_to_the_minute() -> None:
    key, text = make_key()

    caller(text).get(KEYS)
    key.refresh_from_db()
    first = key.last_used_at
    caller(text).get(KEYS)
    key.refresh_from_db()

    assert first is not None
    assert key.last_used_at == first


@pytest.mark.parametrize(
    ("wish", "named"),
    [
        ({"scopes": ["rewards:issue"]}, "scopes"),
        ({"mode": "test"}, "mode"),
        ({"campaigns": [to_public("cmp", NOBODY)]}, "campaigns"),
        ({"expires_at": "2999-01-01T00:00:00Z"}, "expires_at"),
    ],
)
def test_a_key_cannot_make_a_wider_one(wish: dict[str, Any], named: str) -> None:
    _, text = make_key(
        scopes=["keys:write", "keys:read"],
        campaign_ids=[new_id()],
        expires_at=timezone.now() + timedelta(days=1),
    )
    before = ApiKey.objects.count()

    answer = made(caller(text), **wish)

    assert answer.status_code == 409
    assert answer.json()["code"] == "key_is_too_wide"
    assert list(answer.json()["excess"]) == [named]
    assert ApiKey.objects.count() == before


def test_what_is_left_out_is_the_makers() -> None:
    maker, text = make_key(
        campaign_ids=[new_id()], expires_at=timezone.now() + timedelta(days=1)
    )

    answer = made(caller(text)).json()

    made_key = ApiKey.objects.exclude(pk=maker.pk).get()
    assert answer["mode"] == maker.mode
    assert made_key.campaign_ids == maker.campaign_ids
    assert made_key.expires_at == maker.expires_at


def test_keys_of_the_other_mode_do_not_exist(sandbox: APIClient) -> None:
    key, _ = make_key(mode="live")

    listed = [row["id"] for row in sandbox.get(KEYS).json()["results"]]

    assert key.public_id not in listed
    assert sandbox.post(f"{KEYS}/{key.public_id}/revoke").status_code == 404


def test_keys_that_reach_further_do_not_exist() -> None:
    campaign = new_id()
    everywhere, _ = make_key()
    same, _ = make_key(campaign_ids=[campaign])
    own, text = make_key(campaign_ids=[campaign])
    client = caller(text)

    listed = {row["id"] for row in client.get(KEYS).json()["results"]}

    assert listed == {own.public_id, same.public_id}
    assert client.post(f"{KEYS}/{everywhere.public_id}/revoke").status_code == 404


def test_scopes_are_known_ones(api: APIClient) -> None:
    answer = made(api, scopes=["keys:read", "keys:everything"])

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/scopes/1"
    assert len(ALL_SCOPES) == 21


def test_knowing_the_key_and_counting_the_call_is_two_statements(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    api.post("/api/v1/things/open", {})  # the first call of a minute notes its use
    forget_keys()

    with django_assert_num_queries(2):
        api.post("/api/v1/things/open", {})


def test_key_that_was_used_a_moment_ago_is_not_looked_up_again(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    api.post("/api/v1/things/open", {})

    with django_assert_num_queries(1):
        api.post("/api/v1/things/open", {})


def test_key_is_remembered_for_no_more_than_a_second() -> None:
    assert REMEMBERED_FOR <= 1
