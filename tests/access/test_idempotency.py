from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.db.models.signals import post_save
from django.utils import timezone
from rest_framework.test import APIClient

from referral_factory.access.idempotency import KEPT_FOR, REPLAYED
from referral_factory.access.models import ApiKey, CallCount, IdempotencyKey
from referral_factory.access.services import forget_keys
from referral_factory.access.tasks import purge
from referrals.models import Campaign
from tests.access.races import slow_inserts
from tests.api.callers import caller, make_key

pytestmark = pytest.mark.urls("tests.api.urls")

THINGS = "/api/v1/things"
CALLERS = 20


def post(client: APIClient, path: str = "", key: str = "k1", **body: Any) -> Any:
    body = body or {"name": "Thing"}
    return client.post(f"{THINGS}{path}", body, headers={"Idempotency-Key": key})


def test_repeating_a_request_repeats_its_answer_and_nothing_else(
    api: APIClient,
) -> None:
    first, *others = [post(api) for _ in range(5)]

    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first
    for answer in others:
        assert answer.status_code == 201
        assert answer.content == first.content
        assert answer["Content-Type"] == first["Content-Type"]
        assert answer["Idempotent-Replayed"] == "true"
    assert Campaign.objects.count() == 1


def test_another_key_is_another_request(api: APIClient) -> None:
    post(api, key="k1")
    post(api, key="k2")

    assert Campaign.objects.count() == 2


def test_without_the_header_every_request_counts(api: APIClient) -> None:
    for _ in range(2):
        api.post(THINGS, {"name": "Thing"})

    assert Campaign.objects.count() == 2
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize(
    ("path", "body"),
    [("", {"name": "Other"}), ("/sign", {"name": "Thing"}), ("?dry_run=true", {})],
)
def test_the_same_key_for_another_request_is_refused(
    api: APIClient, path: str, body: dict[str, str]
) -> None:
    post(api)

    answer = post(api, path, **body)

    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_mismatch"
    assert Campaign.objects.count() == 1


def test_two_api_keys_may_use_the_same_idempotency_key(api: APIClient) -> None:
    post(api)

    answer = post(caller(make_key()[1]))

    assert "Idempotent-Replayed" not in answer
    assert Campaign.objects.count() == 2


def test_a_request_that_failed_may_be_tried_again(api: APIClient) -> None:
    wrong = post(api, name=[])
    right = post(api)

    assert wrong.status_code == 422
    assert right.status_code == 201


def test_a_refusal_undoes_what_was_written_and_is_not_kept(api: APIClient) -> None:
    answers = [post(api, "/close") for _ in range(2)]

    assert [answer.json()["code"] for answer in answers] == ["closed", "closed"]
    assert not Campaign.objects.exists()
    assert not IdempotencyKey.objects.exists()


def test_a_crash_undoes_what_was_written_and_is_not_kept(api: APIClient) -> None:
    assert post(api, "/crash").status_code == 500

    assert not IdempotencyKey.objects.exists()


def test_a_secret_is_neither_stored_nor_repeated(api: APIClient) -> None:
    first = post(api, "/sign")
    again = post(api, "/sign")

    assert first.json() == {"id": 1, "secret": "whsec_1"}
    assert again.json() == {"id": 1}
    assert "whsec_1" not in IdempotencyKey.objects.get().body


def test_a_new_api_key_is_not_stored(api: APIClient) -> None:
    body = {"name": "New", "scopes": ["keys:read"]}
    headers = {"Idempotency-Key": "k1"}

    first = api.post("/api/v1/keys", body, headers=headers).json()
    again = api.post("/api/v1/keys", body, headers=headers).json()

    assert first["secret"] not in IdempotencyKey.objects.get().body
    assert again == {name: first[name] for name in first if name != "secret"}


def test_a_replay_needs_the_scope_too(api: APIClient) -> None:
    key, text = make_key()
    client = caller(text)
    post(client)
    ApiKey.objects.filter(pk=key.pk).update(scopes=["keys:read"])
    forget_keys()

    assert post(client).status_code == 403


@pytest.mark.parametrize("key", ["", " ", "a" * 256, "schlüssel", "a\tb", "a\x00b"])
def test_a_key_that_is_not_printable_ascii_is_malformed(
    api: APIClient, key: str
) -> None:
    answer = post(api, key=key)

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_idempotency_key"


def test_a_key_of_255_characters_is_fine(api: APIClient) -> None:
    assert post(api, key="a" * 255).status_code == 201


def test_old_answers_and_counts_are_forgotten(api: APIClient) -> None:
    post(api)
    purge()
    assert IdempotencyKey.objects.count() == 1
    long_ago = timezone.now() - KEPT_FOR - timedelta(minutes=1)
    IdempotencyKey.objects.update(created_at=long_ago)
    CallCount.objects.create(caller="x", window=long_ago, count=1)

    assert purge() == {"answers": 1, "counts": 1}
    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_twenty_at_once_one_has_an_effect() -> None:
    text = make_key()[1]
    together = Barrier(CALLERS)

    def call() -> Any:
        client = caller(text)
        together.wait(timeout=10)
        try:
            return post(client)
        finally:
            connection.close()

    with slow_inserts("referrals_campaign"), ThreadPoolExecutor(CALLERS) as pool:
        answers = list(pool.map(lambda _: call(), range(CALLERS)))

    fresh = [a for a in answers if a.status_code == 201 and REPLAYED not in a]
    replays = [a for a in answers if a.status_code == 201 and REPLAYED in a]
    busy = [a for a in answers if a.status_code == 409]
    assert Campaign.objects.count() == len(fresh) == 1
    assert len(replays) + len(busy) == CALLERS - 1
    assert {a.json()["code"] for a in busy} == {"idempotency_in_progress"}
    assert post(caller(text)).content == fresh[0].content


@pytest.mark.django_db(transaction=True)
def test_who_is_overtaken_keeps_nothing_and_repeats_what_was_stored() -> None:
    client = caller(make_key()[1])
    first = post(client, key="k1")

    def overtake(**kwargs: Any) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(commit_an_answer).result(10)

    def commit_an_answer() -> None:
        row = IdempotencyKey.objects.get(key="k1")
        row.key = "k2"
        row.save(force_insert=True)
        connection.close()

    post_save.connect(overtake, sender=Campaign)
    try:
        answer = post(client, key="k2")
    finally:
        post_save.disconnect(overtake, sender=Campaign)

    assert answer["Idempotent-Replayed"] == "true"
    assert answer.content == first.content
    assert Campaign.objects.count() == 1
