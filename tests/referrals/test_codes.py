"""Codes: the one that somebody has, those they had, and those they choose."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from referrals.models import FormerCode, Participant
from referrals.services.codes import CodeTaken, find_by_codes, rotate_code
from tests.factories import make_campaign, make_participant
from tests.steps import NOON
from webhooks.models import Message


def retire(participant: Participant, code: str, *, works: bool) -> None:
    FormerCode.objects.create(code=code, participant=participant, works=works)


def test_people_are_found_by_their_code_and_former_ones_that_work() -> None:
    campaign = make_campaign()
    ann, bob = [make_participant(campaign=campaign) for _ in range(2)]
    retire(ann, "ANN-OLD", works=True)
    retire(bob, "BOB-OLD", works=False)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = find_by_codes(
            campaign, [ann.code.lower(), "ann-old", "BOB-OLD", bob.code, "NOBODY"]
        )

    assert found == {ann.code: ann, "ANN-OLD": ann, bob.code: bob}
    assert len(queries) == 1


def test_codes_of_another_campaign_are_not_found() -> None:
    ann = make_participant()
    retire(ann, "ANN-OLD", works=True)

    assert find_by_codes(make_campaign(), [ann.code, "ANN-OLD"]) == {}


def rotated(participant: Participant, **choice: Any) -> str:
    return rotate_code(participant, wall=NOON, **choice).code


def test_new_random_code_ends_the_old_one() -> None:
    ann = make_participant()

    new = rotated(ann)

    assert new != ann.code
    assert find_by_codes(ann.campaign, [ann.code, new]) == {new: ann}


def test_chosen_code_leaves_the_old_link_working() -> None:
    ann = make_participant()

    assert rotated(ann, code="ann-of-oslo") == "ANN-OF-OSLO"

    assert set(find_by_codes(ann.campaign, [ann.code, "Ann-of-Oslo"])) == {
        ann.code,
        "ANN-OF-OSLO",
    }


@pytest.mark.parametrize("code", ["", "ANN-OF-OSLO"])
@pytest.mark.parametrize("keep_old", [True, False])
def test_what_becomes_of_the_old_code_can_be_said(code: str, keep_old: bool) -> None:
    ann = make_participant()

    rotated(ann, code=code, keep_old=keep_old)

    assert (ann.code in find_by_codes(ann.campaign, [ann.code])) is keep_old


def test_code_of_somebody_else_now_or_before_is_taken_in_every_campaign() -> None:
    ann, bob = make_participant(code="ANN-NOW"), make_participant()
    retire(ann, "ANN-OLD", works=False)

    for code in ("ann-now", "ann-old"):
        with pytest.raises(CodeTaken):
            rotated(bob, code=code)

    bob.refresh_from_db()
    assert not bob.former_codes.exists()


def test_own_former_code_can_be_had_again() -> None:
    ann = make_participant(code="FIRST")
    rotated(ann, code="SECOND")

    assert rotated(ann, code="first") == "FIRST"

    assert list(ann.former_codes.values_list("code", flat=True)) == ["SECOND"]


def test_having_the_code_already_changes_nothing() -> None:
    ann = make_participant(code="FIRST")

    assert rotated(ann, code="first") == "FIRST"

    assert not ann.former_codes.exists()
    assert not Message.objects.exists()


def test_new_code_is_announced() -> None:
    ann = make_participant()

    rotated(ann, code="ANN-OF-OSLO")

    message = Message.objects.get()
    assert message.type == "participant.updated"
    assert "/r/ANN-OF-OSLO" in message.body


def test_code_is_rotated_over_the_api(api: APIClient) -> None:
    ann = make_participant()
    url = f"/api/v1/participants/{ann.public_id}/rotate-code"

    chosen = api.post(url, {"code": "ann-of-oslo"})
    drawn = api.post(url)

    assert chosen.json()["code"] == "ANN-OF-OSLO"
    assert drawn.status_code == 200
    assert drawn.json()["code"] not in {"ANN-OF-OSLO", ann.code}


@pytest.mark.parametrize(
    "code",
    ["abc", "a" * 41, "-ann", "ann-", "an--na", "änna", "an na", "ann/a", "١٢٣٤"],
)
def test_code_that_no_link_could_have_is_refused(api: APIClient, code: str) -> None:
    url = f"/api/v1/participants/{make_participant().public_id}/rotate-code"

    answer = api.post(url, {"code": code})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/code"


def test_taken_code_is_a_409(api: APIClient) -> None:
    make_participant(code="ANN-NOW")
    bob = make_participant()

    url = f"/api/v1/participants/{bob.public_id}/rotate-code"
    answer = api.post(url, {"code": "ANN-NOW"})

    assert (answer.status_code, answer.json()["code"]) == (409, "code_taken")
