"""Bringing what we know of one person up to date."""

from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from referral_factory.errors import InvalidInput
from referral_factory.wire import LARGEST_OBJECT
from referrals.models import Participant
from referrals.services.changing import merge_patch, patch_participant
from referrals.services.living import ParticipantErased
from tests.factories import make_campaign, make_participant
from tests.steps import NOON, report
from webhooks.models import Message


def patched(participant: Participant, **patch: Any) -> Participant:
    return patch_participant(participant, patch, wall=NOON)


def erased(**fields: Any) -> Participant:
    return make_participant(
        status="erased", erased_at=NOON, email=None, external_id=None, **fields
    )


# The examples of RFC 7396, appendix A.
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_is_that_of_the_rfc(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


def test_what_is_left_out_stays() -> None:
    ann = make_participant(name="Ann", attributes={"plan": "pro", "seats": 3})

    patched(ann, attributes={"seats": None, "team": {"lead": True}})

    ann.refresh_from_db()
    assert ann.attributes == {"plan": "pro", "team": {"lead": True}}
    assert ann.name == "Ann"


def test_empty_patch_of_attributes_changes_nothing_and_null_clears_them() -> None:
    ann = make_participant(attributes={"plan": "pro"})

    assert patched(ann, attributes={}).attributes == {"plan": "pro"}
    assert patched(ann, attributes=None).attributes == {}


def test_name_can_be_taken_away_while_another_is_left() -> None:
    ann = make_participant()

    patched(ann, email=None)

    ann.refresh_from_db()
    assert (ann.email, ann.email_canonical) == (None, None)
    with pytest.raises(InvalidInput) as refusal:
        patched(ann, external_id=None)
    assert refusal.value.pointer == "/external_id"


def test_new_mailbox_is_not_confirmed() -> None:
    ann = make_participant(email="ann@gmail.com", confirmed_at=NOON)

    assert patched(ann, email="a.nn@gmail.com").confirmed_at == NOON
    assert patched(ann, email="other@shop.example").confirmed_at is None


def test_event_that_came_under_the_new_name_is_theirs() -> None:
    ann = make_participant()
    recorded = report({"email": "new@shop.example"}, campaign=ann.campaign)

    patched(ann, email="new@shop.example")

    recorded.event.refresh_from_db()
    assert recorded.event.participant == ann


def test_attributes_fit_in_16_kb_after_the_patch_too() -> None:
    ann = make_participant(attributes={"one": "x" * (LARGEST_OBJECT // 2)})

    with pytest.raises(InvalidInput) as refusal:
        patched(ann, attributes={"two": "x" * (LARGEST_OBJECT // 2)})

    assert (refusal.value.pointer, refusal.value.code) == ("/attributes", "too_large")


def test_erased_person_takes_no_change() -> None:
    nobody = erased()

    with pytest.raises(ParticipantErased):
        patched(nobody, name="Ann")

    nobody.refresh_from_db()
    assert nobody.name == ""


def test_change_is_announced_once_and_no_change_not_at_all() -> None:
    ann = make_participant(name="Ann")

    patched(ann, name="Anna")
    patched(ann, name="Anna")

    assert [message.type for message in Message.objects.all()] == [
        "participant.updated"
    ]


# --- Over the API -------------------------------------------------------------------


def patch(api: APIClient, participant: Participant, body: Any) -> Any:
    return api.patch(f"/api/v1/participants/{participant.public_id}", body)


def test_person_is_patched_over_the_api(api: APIClient) -> None:
    ann = make_participant(attributes={"plan": "pro"}, name="Ann")
    body = {
        "name": None,
        "email": "New@Shop.example",
        "attributes": {"plan": None, "tags": ["a", {"b": None}]},
        "customer_since": "2020-01-31T12:00:00+01:00",
    }

    shown = patch(api, ann, body).json()

    assert shown["name"] == ""
    assert shown["email"] == "New@shop.example"
    assert shown["attributes"] == {"tags": ["a", {"b": None}]}
    assert shown["customer_since"] == "2020-01-31T11:00:00Z"
    ann.refresh_from_db()
    assert ann.customer_since == datetime(2020, 1, 31, 11, tzinfo=UTC)


def test_customer_since_can_be_taken_away(api: APIClient) -> None:
    ann = make_participant(customer_since=NOON)

    assert patch(api, ann, {"customer_since": None}).json()["customer_since"] is None


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"attributes": {"x": "x" * LARGEST_OBJECT}}, "/attributes", "too_large"),
        ({"attributes": ["a"]}, "/attributes", "not_an_object"),
        ({"email": None, "external_id": ""}, "/email", "required"),
        ({"email": "nobody"}, "/email", "invalid"),
        ({"surname": "Lee"}, "/surname", "unknown_field"),
    ],
)
def test_bad_patch_is_a_422(api: APIClient, body: Any, pointer: str, code: str) -> None:
    answer = patch(api, make_participant(), body)

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)


def test_erased_and_merged_people_take_no_patch(api: APIClient) -> None:
    kept = make_participant()
    for row in (erased(), erased(campaign=kept.campaign, merged_into=kept)):
        answer = patch(api, row, {"name": "Ann"})
        assert (answer.status_code, answer.json()["code"]) == (
            409,
            "participant_erased",
        )
    assert answer.json()["merged_into"] == kept.public_id


def test_name_of_somebody_else_is_a_409_that_names_both(api: APIClient) -> None:
    campaign = make_campaign()
    ann, bob = [make_participant(campaign=campaign) for _ in range(2)]

    answer = patch(api, ann, {"external_id": bob.external_id})

    assert answer.json()["code"] == "identity_conflict"
    assert set(answer.json()["participants"]) == {ann.public_id, bob.public_id}
