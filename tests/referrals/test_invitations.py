"""Naming friends beforehand: many addresses at once, each with its own answer."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from referrals.models import Invitation
from tests.factories import make_campaign, make_invitation, make_participant
from tests.steps import NOON

V1 = "/api/v1"


def invite(api: APIClient, advocate: Any, *emails: Any) -> Any:
    url = f"{V1}/participants/{advocate.public_id}/invitations"
    return api.post(url, {"emails": list(emails)})


def outcomes(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json()
    return [each["outcome"] for each in answer.json()["results"]]


def test_each_address_has_its_answer_in_order(api: APIClient) -> None:
    ann = make_participant()
    answer = invite(api, ann, "fred@shop.example", "nobody", "=1+1@shop.example")
    assert outcomes(answer) == ["invited", "invalid", "invited"]
    first, wrong, _ = answer.json()["results"]
    assert first["invitation"] == Invitation.objects.earliest("id").public_id
    assert first["detail"] == ""
    assert wrong["invitation"] is None
    assert "@" in wrong["detail"]


def test_one_mailbox_is_invited_once_however_it_is_spelt(api: APIClient) -> None:
    ann = make_participant()
    answer = invite(api, ann, "fred@gmail.com", "f.r.e.d@googlemail.com")
    assert outcomes(answer) == ["invited", "invited_before"]
    assert outcomes(invite(api, ann, "FRED+x@gmail.com")) == ["invited_before"]
    assert Invitation.objects.count() == 1


def test_two_advocates_may_invite_one_mailbox(api: APIClient) -> None:
    ann = make_participant()
    bob = make_participant(campaign=ann.campaign)
    for advocate in (ann, bob):
        assert outcomes(invite(api, advocate, "fred@shop.example")) == ["invited"]


def test_answer_does_not_tell_who_is_enrolled(api: APIClient) -> None:
    ann = make_participant()
    friend = make_participant(campaign=ann.campaign)
    known, unknown = [
        invite(api, ann, email).json()["results"][0]
        for email in (friend.email, "nobody@shop.example")
    ]
    assert known["outcome"] == unknown["outcome"] == "invited"
    assert known["detail"] == unknown["detail"]


def test_invitations_are_listed_newest_first_and_only_the_advocates(
    api: APIClient,
) -> None:
    ann = make_participant()
    make_invitation(advocate=make_participant(campaign=ann.campaign))
    mine = [make_invitation(advocate=ann, created_at=NOON) for _ in range(2)]

    url = f"{V1}/participants/{ann.public_id}/invitations"
    results = api.get(url).json()["results"]

    assert [each["id"] for each in results] == [i.public_id for i in reversed(mine)]
    assert results[1] == {
        "id": mine[0].public_id,
        "email": mine[0].email,
        "created_at": "2026-03-01T12:00:00Z",
    }


def test_whoever_is_blocked_invites_nobody(api: APIClient) -> None:
    answer = invite(api, make_participant(status="blocked"), "fred@shop.example")
    assert (answer.status_code, answer.json()["code"]) == (409, "participant_blocked")
    assert not Invitation.objects.exists()


def test_campaign_that_is_paused_takes_no_invitations(api: APIClient) -> None:
    ann = make_participant(campaign=make_campaign(status="paused"))
    answer = invite(api, ann, "fred@shop.example")
    assert (answer.status_code, answer.json()["code"]) == (409, "campaign_not_open")


@pytest.mark.parametrize("emails", [[], ["a@b.example"] * 1001, [{}], "a@b.example"])
def test_list_that_is_none_is_refused(api: APIClient, emails: Any) -> None:
    url = f"{V1}/participants/{make_participant().public_id}/invitations"
    answer = api.post(url, {"emails": emails})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/emails")


def test_a_thousand_addresses_are_invited_at_once(
    api: APIClient, django_assert_max_num_queries: Any
) -> None:
    ann = make_participant()
    emails = [f"friend-{number}@shop.example" for number in range(1000)]
    with django_assert_max_num_queries(12):
        answer = invite(api, ann, *emails)
    assert outcomes(answer) == ["invited"] * 1000
