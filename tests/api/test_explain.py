"""Why somebody was or was not credited: as it was stored, for whoever may know."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from referral_factory.ids import to_public
from referrals.models import Participant, Referral, RefusedClaim, Tombstone
from referrals.services.campaigns import change_campaign
from referrals.services.inviting import invite_friends
from referrals.services.locks import email_name
from referrals.services.rules import keep_version
from referrals.services.tombstones import digest_of
from tests.api.callers import caller
from tests.factories import (
    NOBODY,
    make_campaign,
    make_key,
    make_participant,
    make_reward,
)
from tests.referrals.test_referring import click_on
from tests.steps import DAY, NOON, enrol, report

EXPLAIN = "/api/v1/explain"


@pytest.fixture
def api() -> APIClient:
    return caller(make_key())


def explained(api: APIClient, **asked: str) -> dict[str, Any]:
    answer = api.get(EXPLAIN, asked)
    assert answer.status_code == 200, answer.json()
    found: dict[str, Any] = answer.json()
    return found


def ways(found: dict[str, Any]) -> dict[str, str]:
    return {each["way"]: each["outcome"] for each in found["ways"]}


NOTHING = {
    "participant": "nothing_given",
    "external_id": "nothing_given",
    "email": "nothing_given",
    "click": "nothing_given",
    "code": "nothing_given",
    "invitation": "nothing_given",
    "cookie": "nothing_given",
}


def test_credit_is_explained_by_its_way_and_checks(api: APIClient) -> None:
    ann = make_participant()
    click = click_on(ann, wall=NOON - DAY)
    claims = {"by_click": click.public_id, "by_code": ann.code, "by_cookie": "old"}
    friend = enrol(ann.campaign, external_id="f-1", **claims).participant

    found = explained(api, participant=friend.public_id)

    assert found["credited"] is True
    assert found["summary"] == (
        "Credited on 2026-03-01 by a click on their link; the referral is pending."
    )
    assert found["participant"]["id"] == friend.public_id
    assert found["referral"]["advocate"] == ann.public_id
    assert all(check["passed"] for check in found["referral"]["explanation"])
    assert found["referral"]["rules"]["attribution_days"] == 30
    assert list(ways(found)) == list(NOTHING)  # in the written order
    assert ways(found) == {
        **NOTHING,
        "click": "credited",
        "code": "agreed",
        "cookie": "refused",
    }
    (claim,) = found["refused_claims"]
    assert (claim["way"], claim["reason"]) == ("cookie", "unknown")


def test_nobody_credited_because_nothing_was_said(api: APIClient) -> None:
    campaign = make_campaign()
    friend = enrol(campaign, external_id="f-1").participant

    found = explained(api, campaign=campaign.public_id, external_id="f-1")

    assert found["participant"]["id"] == friend.public_id
    assert found["summary"] == "Nobody was credited: nothing said who referred them."
    assert ways(found) == NOTHING
    assert {each["detail"] for each in found["ways"]} == {
        "Nothing was given.",
        "Nobody had invited their mailbox.",
    }


def test_nobody_credited_because_all_was_refused(api: APIClient) -> None:
    blocked = make_participant(status="blocked")
    claims = {"by_code": "NOBODY", "by_participant": blocked.public_id}
    friend = enrol(blocked.campaign, external_id="f-1", **claims).participant

    found = explained(api, participant=friend.public_id)

    assert found["summary"] == (
        "Nobody was credited: each claim was refused (2 in all), the strongest by "
        f"participant as participant_blocked. {blocked.public_id} is blocked."
    )
    assert ways(found) == {**NOTHING, "participant": "refused", "code": "refused"}
    for claim in found["refused_claims"]:
        assert claim["explanation"][-1]["passed"] is False


def test_person_is_found_by_any_spelling_of_their_mailbox(api: APIClient) -> None:
    campaign = make_campaign()
    friend = enrol(campaign, email="fred@gmail.com").participant
    found = explained(api, campaign=campaign.public_id, email="F.Red+a@googlemail.com")
    assert found["participant"]["id"] == friend.public_id


def test_mailbox_of_nobody_says_whether_it_was_invited_or_erased(
    api: APIClient,
) -> None:
    ann = make_participant()
    campaign = ann.campaign
    asked = {"campaign": campaign.public_id, "email": "fred@shop.example"}

    unknown = explained(api, **asked)
    invite_friends(ann, ["fred@shop.example"], wall=NOON)
    digest = digest_of(email_name("fred@shop.example"))
    Tombstone.objects.create(campaign=campaign, digest=digest)
    found = explained(api, **asked)

    assert unknown["summary"] == "Nobody of this campaign has this name."
    assert unknown["participant"] is None
    assert found["summary"] == (
        "Nobody of this campaign has this name; the mailbox was invited first on "
        "2026-03-01, and waits to be enrolled; somebody who had it was erased."
    )
    assert found["erased_before"] is True
    (invitation,) = found["invitations"]
    assert invitation["advocate"] == ann.public_id


def test_marks_stand_in_the_summary(api: APIClient) -> None:
    friend = make_participant(created_at=NOON - 2 * DAY)
    ann = make_participant(campaign=friend.campaign, created_at=NOON - DAY)
    enrol(friend.campaign, external_id=friend.external_id, by_code=ann.code)

    found = explained(api, participant=friend.public_id)

    assert found["summary"].endswith("and in doubt (friend_before_advocate).")
    assert found["referral"]["marks"][0]["code"] == "friend_before_advocate"


def test_event_is_explained_with_its_referral_and_rewards(api: APIClient) -> None:
    ann = make_participant()
    keep_version(ann.campaign, "user:ops")
    friend = enrol(ann.campaign, external_id="f-1", by_code=ann.code).participant
    small = report(friend, "5", event_id="o-1").event
    report(friend, "25")
    make_reward(referral=Referral.objects.get(), campaign=ann.campaign)

    found = explained(api, event=small.public_id)

    assert found["summary"] == (
        "purchase o-1 (5.00 USD) does not count. The amount is 5.00 USD; "
        "the minimum is 20.00."
    )
    (shown,) = found["events"]
    assert shown["id"] == small.public_id
    assert shown["rules"]["minimum_amount"] == "20"
    assert found["referral"]["status"] == "qualified"
    assert len(found["rewards"]) == 1


def test_event_of_nobody_is_explained_too(api: APIClient) -> None:
    campaign = make_campaign()
    event = report({"external_id": "who"}, campaign=campaign, event_id="o-1").event
    found = explained(api, event=event.public_id)
    assert found["summary"] == (
        "purchase o-1 (20.00 USD) waits for what it belongs to, which we do not know "
        "yet. Nobody like that yet."
    )
    assert found["participant"] is None


def test_explanation_outlives_the_rules_byte_for_byte(api: APIClient) -> None:
    ann = make_participant()
    keep_version(ann.campaign, "user:ops")
    bob = make_participant(campaign=ann.campaign)
    old = click_on(bob, wall=NOON - 31 * DAY)
    claims = {"by_click": old.public_id, "by_code": ann.code}
    friend = enrol(ann.campaign, external_id="f-1", **claims).participant
    event = report(friend, "5").event
    asked = [{"participant": friend.public_id}, {"event": event.public_id}]
    before = [api.get(EXPLAIN, each).content for each in asked]

    rules: dict[str, Any] = {
        "attribution_days": 365,
        "milestone_minimum": 1,
        "match_days": 90,
    }
    change_campaign(ann.campaign, **rules)

    assert [api.get(EXPLAIN, each).content for each in asked] == before
    for stored in (b'"attribution_days":30', b"it counts for 30 days"):
        assert stored in before[0]


def test_much_to_tell_takes_no_more_queries(api: APIClient) -> None:
    ann = make_participant()
    friend = enrol(ann.campaign, email="f@shop.example", by_code=ann.code).participant
    asked = {"participant": friend.public_id}
    report(friend)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as seen:
            api.get(EXPLAIN, asked)
        counts.append(sum("referrals_" in query["sql"] for query in seen))
        for number in range(5):
            report(friend, event_id=f"{len(counts)}-{number}")
            other = make_participant(campaign=ann.campaign)
            enrol(ann.campaign, email="f@shop.example", by_code=other.code)
            invite_friends(other, ["f@shop.example"], wall=NOON)
        make_reward(referral=Referral.objects.get(), campaign=ann.campaign)
    assert RefusedClaim.objects.count() == 10
    assert counts == [QUERIES, QUERIES]


QUERIES = 7  # person, referral, claims, invitations, tombstones, events, rules


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({}, "/participant"),
        ({"campaign": to_public("cmp", NOBODY)}, "/participant"),
        ({"participant": to_public("ptc", NOBODY), "email": "a@b.co"}, "/participant"),
        ({"participant": "ann"}, "/participant"),
        ({"event": to_public("ptc", NOBODY)}, "/event"),
        ({"who": "ann"}, "/who"),
    ],
)
def test_question_that_makes_no_sense_is_refused(
    api: APIClient, asked: dict[str, str], pointer: str
) -> None:
    answer = api.get(EXPLAIN, asked)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_address_that_is_none_is_refused(api: APIClient) -> None:
    asked = {"campaign": make_campaign().public_id, "email": "nobody"}
    answer = api.get(EXPLAIN, asked)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (
        400,
        "/email",
    )


@pytest.mark.parametrize("mode", ["live", "test"])
def test_what_a_key_may_not_know_does_not_exist(mode: str) -> None:
    """Another campaign's key, and one of the other mode."""
    campaign = make_campaign()
    friend = enrol(campaign, external_id="f-1").participant
    event = report(friend).event
    limited = {"campaign_ids": [make_campaign().pk]} if mode == "test" else {}
    stranger = caller(make_key(mode=mode, **limited))
    for asked in (
        {"participant": friend.public_id},
        {"event": event.public_id},
        {"campaign": campaign.public_id, "external_id": "f-1"},
    ):
        answer = stranger.get(EXPLAIN, asked)
        assert answer.status_code == 404
        assert friend.public_id not in json.dumps(answer.json())


def test_scope_is_that_of_reading_referrals() -> None:
    asked = {"participant": make_participant().public_id}
    for scope, status in {"referrals:read": 200, "participants:read": 403}.items():
        api = caller(make_key(scopes=[scope]))
        assert api.get(EXPLAIN, asked).status_code == status


def test_person_who_was_erased_is_explained_without_a_name(api: APIClient) -> None:
    ann = make_participant()
    friend = enrol(ann.campaign, external_id="f-1", by_code=ann.code).participant
    before = explained(api, participant=friend.public_id)
    Participant.objects.filter(pk=friend.pk).update(
        status="erased", external_id=None, erased_at=NOON
    )
    found = explained(api, participant=friend.public_id)
    assert found["participant"]["status"] == "erased"
    assert found["referral"] == before["referral"]
