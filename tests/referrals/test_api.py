"""Campaigns, participants and referrals as backends see them."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from referral_factory.ids import to_public
from referrals.models import Campaign, Participant, Referral
from tests.api.callers import caller
from tests.factories import (
    NOBODY,
    make_campaign,
    make_endpoint,
    make_key,
    make_participant,
    make_referral,
    make_refused_claim,
    make_rule,
)

V1 = "/api/v1"

CAMPAIGN = {
    "name": "Spring",
    "slug": "spring",
    "currency": "USD",
    "owner": "ops@shop.example",
    "landing_url": "https://shop.example/welcome",
    "milestone": {
        "event_name": "purchase",
        "minimum_amount": "20.00",
        "condition": "event.amount >= 25 && has(friend.email)",
        "count": 3,
        "sum": None,
        "within_days": 30,
    },
    "holding_days": 14,
    "attribution_days": 60,
    "match_days": 3,
    "reversal_events": ["refund"],
    "reversal_policy": "ask",
    "review": {"amount_limit": "50.00", "two_people_above": "500.00"},
}


def pointers(answer: Any) -> list[str]:
    return [error["pointer"] for error in answer.json()["errors"]]


# --- Campaigns ----------------------------------------------------------------------


def test_campaign_is_made_as_it_is_said(api: APIClient) -> None:
    answer = api.post(f"{V1}/campaigns", CAMPAIGN)

    made = answer.json()
    assert answer.status_code == 201
    assert made["id"] == Campaign.objects.get().public_id
    assert (made["mode"], made["status"], made["version"]) == ("test", "draft", 1)
    assert made["milestone"] == {**CAMPAIGN["milestone"], "currency": "USD"}  # type: ignore[dict-item]
    for name in set(CAMPAIGN) - {"milestone"}:
        assert made[name] == CAMPAIGN[name]
    assert made["created_at"].endswith("Z")
    assert made["launched_at"] is None
    assert api.get(f"{V1}/campaigns/{made['id']}").json() == made


def test_mode_is_the_keys(api: APIClient) -> None:
    answer = api.post(f"{V1}/campaigns", {**CAMPAIGN, "mode": "live"})
    assert answer.status_code == 422
    assert pointers(answer) == ["/mode"]


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("name", "", "/name"),
        ("slug", "Spring Sale", "/slug"),
        ("currency", "usd", "/currency"),
        ("landing_url", "javascript:alert(1)", "/landing_url"),
        ("landing_url", "ftp://shop.example", "/landing_url"),
        ("milestone", {"event_name": ""}, "/milestone/event_name"),
        (
            "milestone",
            {"event_name": "x", "minimum_amount": "-1"},
            "/milestone/minimum_amount",
        ),
        (
            "milestone",
            {"event_name": "x", "within_days": 0},
            "/milestone/within_days",
        ),
        ("milestone", {"event_name": "x", "goal": 1}, "/milestone/goal"),
        ("holding_days", -1, "/holding_days"),
        ("holding_days", "3", "/holding_days"),
        ("holding_days", True, "/holding_days"),
        ("holding_days", 3651, "/holding_days"),
        ("review", {"amount_limit": "NaN"}, "/review/amount_limit"),
        ("reversal_events", "refund", "/reversal_events"),
        ("budget", {}, "/budget"),
    ],
)
def test_wrong_value_is_named(
    api: APIClient, field: str, value: object, pointer: str
) -> None:
    answer = api.post(f"{V1}/campaigns", {**CAMPAIGN, field: value})
    assert answer.status_code == 422
    assert pointers(answer) == [pointer]
    assert not Campaign.objects.exists()


def test_taken_slug_is_named(api: APIClient) -> None:
    make_campaign(slug="spring")
    answer = api.post(f"{V1}/campaigns", CAMPAIGN)
    assert (answer.status_code, pointers(answer)) == (422, ["/slug"])


def test_part_of_a_campaign_is_changed(api: APIClient) -> None:
    campaign = make_campaign(milestone_minimum=20)

    answer = api.patch(
        f"{V1}/campaigns/{campaign.public_id}",
        {"milestone": {"minimum_amount": "30"}},
    )

    assert answer.status_code == 200
    assert answer.json()["milestone"]["minimum_amount"] == "30.00"
    assert answer.json()["milestone"]["event_name"] == "purchase"
    assert answer.json()["version"] == 2


def test_campaign_is_launched_when_its_checklist_is_done(api: APIClient) -> None:
    url = f"{V1}/campaigns/{api.post(f'{V1}/campaigns', CAMPAIGN).json()['id']}"

    early = api.post(f"{url}/launch")
    assert (early.status_code, early.json()["code"]) == (409, "checklist_incomplete")
    assert set(early.json()["missing"]) == {"way_to_hear_of_it", "reward_rule"}
    assert api.get(f"{url}/checklist").json()["ready"] is False

    make_rule(campaign=Campaign.objects.get())
    make_endpoint()
    assert api.get(f"{url}/checklist").json()["ready"] is True
    assert api.post(f"{url}/launch").json()["status"] == "live"


@pytest.mark.parametrize(
    ("status", "refused"),
    [
        ("draft", ["pause", "resume", "end"]),
        ("live", ["launch", "resume"]),
        ("paused", ["launch", "pause"]),
        ("ended", ["launch", "pause", "resume", "end"]),
    ],
)
def test_verbs_that_do_not_fit_the_status_are_refused(
    api: APIClient, status: str, refused: list[str]
) -> None:
    campaign = make_campaign(status=status, ended_at="2026-01-01T00:00Z")
    for verb in refused:
        answer = api.post(f"{V1}/campaigns/{campaign.public_id}/{verb}")
        assert answer.status_code == 409, verb
        assert answer.json()["code"] == "illegal_transition"


def test_clock_moves_and_settles_what_is_due(api: APIClient) -> None:
    campaign = make_campaign(status="draft")
    url = f"{V1}/campaigns/{campaign.public_id}/clock"
    assert api.post(url, {"now": "1997-01-01T00:00:00Z"}).status_code == 200
    Campaign.objects.update(status="live")
    make_referral(campaign=campaign, expires_at="1997-02-01T00:00Z")
    make_referral(campaign=campaign, status="holding", holds_until="1997-02-01T00:00Z")

    answer = api.post(url, {"now": "1997-02-01T00:00:00Z"})

    assert answer.json() == {
        "now": "1997-02-01T00:00:00Z",
        "qualified": 1,
        "expired": 1,
    }
    back = api.post(url, {"now": "1997-01-15T00:00:00Z"})
    assert (back.status_code, back.json()["code"]) == (409, "clock_goes_forward_only")


# --- Participants -------------------------------------------------------------------


def enrolment(campaign: Campaign, /, **fields: object) -> dict[str, object]:
    return {"campaign": campaign.public_id, "external_id": "c-1"} | fields


def test_participant_is_201_when_new_and_200_when_known(api: APIClient) -> None:
    body = enrolment(make_campaign(name="Spring"), email="ann@shop.example", name="Ann")

    first, second = [api.post(f"{V1}/participants", body) for _ in range(2)]

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    ann, shown = Participant.objects.get(), first.json()
    assert shown["id"] == ann.public_id
    assert shown["email"] == "ann@shop.example"
    assert shown["code"] == ann.code
    assert shown["link"]["url"].endswith(f"/r/{ann.code}")
    assert shown["link"]["qr_url"].endswith(f"/r/{ann.code}/qr.svg")
    assert {"email", "whatsapp"} <= set(shown["link"]["share"])
    assert shown["counts"] == {
        "clicks": 0,
        "referrals": 0,
        "qualified": 0,
        "rewards": 0,
    }
    assert shown["referred_by"] is None


def test_friend_is_enrolled_and_referred_in_one_call(api: APIClient) -> None:
    ann = make_participant()

    answer = api.post(
        f"{V1}/participants", enrolment(ann.campaign, referred_by={"code": ann.code})
    )

    referral = Referral.objects.get()
    assert answer.json()["referred_by"] == {
        "referral": referral.public_id,
        "advocate": ann.public_id,
        "code": ann.code,
    }
    shown = api.get(f"{V1}/participants/{ann.public_id}").json()
    assert shown["counts"]["referrals"] == 1


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"external_id": None}, "/external_id"),
        ({"email": "nobody"}, "/email"),
        ({"referred_by": {}}, "/referred_by"),
        ({"referred_by": {"code": "A", "email": "a@b.example"}}, "/referred_by/email"),
        ({"referred_by": {"external_id": "nobody"}}, "/referred_by/external_id"),
        ({"referred_by": {"participant": "x"}}, "/referred_by/participant"),
        ({"customer_since": "2026-01-01T00:00:00"}, "/customer_since"),
        ({"address": "nowhere"}, "/address"),
        ({"attributes": []}, "/attributes"),
        ({"campaign": to_public("cmp", NOBODY)}, "/campaign"),
        ({"campaign": "spring"}, "/campaign"),
        ({"code": "MINE"}, "/code"),
    ],
)
def test_wrong_enrolment_is_named_and_leaves_nothing(
    api: APIClient, fields: dict[str, object], pointer: str
) -> None:
    answer = api.post(f"{V1}/participants", enrolment(make_campaign(), **fields))
    assert answer.status_code == 422
    assert pointers(answer) == [pointer]
    assert not Participant.objects.exists()


def test_somebody_without_a_name_is_refused(api: APIClient) -> None:
    answer = api.post(
        f"{V1}/participants", {"campaign": make_campaign().public_id, "name": "Ann"}
    )
    assert (answer.status_code, pointers(answer)) == (422, ["/external_id"])


def test_refused_claim_is_told_beside_the_enrolment(api: APIClient) -> None:
    campaign = make_campaign()
    answer = api.post(
        f"{V1}/participants", enrolment(campaign, referred_by={"code": "NOBODY"})
    )
    assert answer.status_code == 201
    shown = answer.json()
    assert shown["referred_by"] is None
    assert shown["refused_claims"] == [
        {
            "way": "code",
            "value": "NOBODY",
            "reason": "unknown",
            "detail": "No advocate of this campaign has this code.",
        }
    ]
    got = api.get(f"{V1}/participants/{shown['id']}").json()
    assert "refused_claims" not in got


def test_several_claims_may_be_given_and_the_strongest_is_credited(
    api: APIClient,
) -> None:
    ann = make_participant()
    campaign = ann.campaign
    bob = make_participant(campaign=campaign)
    claims = {"cookie": "old", "code": ann.code, "participant": bob.public_id}

    body = enrolment(campaign, referred_by=claims)
    shown = api.post(f"{V1}/participants", body).json()

    assert shown["referred_by"]["advocate"] == bob.public_id
    refused = [(each["way"], each["reason"]) for each in shown["refused_claims"]]
    assert refused == [("code", "stronger_claim"), ("cookie", "unknown")]


REFUSED = {
    "self_referral": (409, []),
    "unknown": (422, ["/referred_by/code"]),
    "already_referred": (409, []),
}


@pytest.mark.parametrize("reason", REFUSED)
@pytest.mark.parametrize("headers", [{}, {"idempotency-key": "k-1"}])
def test_referral_that_is_refused_is_a_problem_and_its_friend_is_kept(
    api: APIClient, reason: str, headers: dict[str, str]
) -> None:
    referral = make_referral()
    campaign = referral.campaign
    ann = make_participant(campaign=campaign, external_id="f-1")
    friend = {"external_id": "f-1", "name": "Fred"}
    if reason == "already_referred":
        friend["external_id"] = str(referral.friend.external_id)
    code = "NOBODY" if reason == "unknown" else ann.code
    body = {
        "campaign": campaign.public_id,
        "referred_by": {"code": code},
        "friend": friend,
    }

    answer = api.post(f"{V1}/referrals", body, headers=headers)

    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["code"] == reason
    assert (answer.status_code, pointers(answer)) == REFUSED[reason]
    known = {"already_referred": referral.public_id}
    assert problem.get("referral") == known.get(reason)
    assert campaign.refused_claims.get().reason == reason
    assert Participant.objects.filter(name="Fred").count() == 1


def test_conflict_names_both_people(api: APIClient) -> None:
    ann = make_participant(external_id="c-1")
    bob = make_participant(campaign=ann.campaign, email="bob@shop.example")
    answer = api.post(
        f"{V1}/participants", enrolment(ann.campaign, email="bob@shop.example")
    )
    assert answer.status_code == 409
    assert answer.json()["code"] == "identity_conflict"
    assert answer.json()["participants"] == [ann.public_id, bob.public_id]


def test_participant_is_changed_blocked_and_unblocked(api: APIClient) -> None:
    url = f"{V1}/participants/{make_participant().public_id}"

    assert api.patch(url, {"name": "Ann"}).json()["name"] == "Ann"
    assert api.post(f"{url}/block").json()["status"] == "blocked"
    again = api.post(f"{url}/block")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")
    assert api.post(f"{url}/unblock").json()["status"] == "active"


def test_name_of_somebody_else_is_not_taken_over(api: APIClient) -> None:
    ann = make_participant()
    bob = make_participant(campaign=ann.campaign, external_id="c-2")
    answer = api.patch(f"{V1}/participants/{ann.public_id}", {"external_id": "c-2"})
    assert answer.status_code == 409
    assert answer.json()["participants"] == [ann.public_id, bob.public_id]


# --- Referrals ----------------------------------------------------------------------


def test_referral_is_201_when_new_and_200_when_known(api: APIClient) -> None:
    ann = make_participant()
    body = {
        "campaign": ann.campaign.public_id,
        "referred_by": {"participant": ann.public_id},
        "friend": {"external_id": "f-1", "email": "fred@shop.example"},
    }

    first, second = [api.post(f"{V1}/referrals", body) for _ in range(2)]

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    shown = first.json()
    assert shown["advocate"] == ann.public_id
    assert (shown["status"], shown["way"]) == ("pending", "participant")
    assert shown["click"] is None
    assert shown.pop("refused_claims") == []
    assert api.get(f"{V1}/referrals/{shown['id']}").json() == shown


def test_wrong_friend_is_named_where_they_were_given(api: APIClient) -> None:
    ann = make_participant()
    body = {
        "campaign": ann.campaign.public_id,
        "referred_by": {"code": ann.code},
        "friend": {"email": "nobody"},
    }
    answer = api.post(f"{V1}/referrals", body)
    assert (answer.status_code, pointers(answer)) == (422, ["/friend/email"])


def test_referral_is_decided_by_hand(api: APIClient) -> None:
    url = f"{V1}/referrals/{make_referral().public_id}"

    assert api.post(f"{url}/qualify", {"reason": "x"}).json()["status"] == "qualified"
    shown = api.post(f"{url}/disqualify", {"reason": "Looked odd."}).json()
    assert (shown["status"], shown["reason"]) == ("disqualified", "Looked odd.")
    assert api.post(f"{url}/reopen", {"reason": "x"}).json()["status"] == "pending"


@pytest.mark.parametrize("verb", ["qualify", "disqualify", "reopen"])
def test_hand_needs_a_reason(api: APIClient, verb: str) -> None:
    answer = api.post(f"{V1}/referrals/{make_referral().public_id}/{verb}", {})
    assert (answer.status_code, pointers(answer)) == (422, ["/reason"])


@pytest.mark.parametrize(
    ("status", "verb"),
    [
        ("expired", "qualify"),
        ("qualified", "qualify"),
        ("disqualified", "qualify"),
        ("expired", "disqualify"),
        ("disqualified", "disqualify"),
        ("pending", "reopen"),
        ("qualified", "reopen"),
        ("holding", "reopen"),
    ],
)
def test_hand_goes_no_illegal_way(api: APIClient, status: str, verb: str) -> None:
    moment = "2026-01-01T00:00Z"
    referral = make_referral(
        status=status, holds_until=moment, disqualified_at=moment, reason="x"
    )
    url = f"{V1}/referrals/{referral.public_id}/{verb}"
    answer = api.post(url, {"reason": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")


# --- Lists --------------------------------------------------------------------------


def shown(api: APIClient, path: str, **query: str) -> list[str]:
    answer = api.get(f"{V1}/{path}", query)
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def test_participants_are_narrowed_down(api: APIClient) -> None:
    ann = make_participant(
        email="ann.lee@gmail.com", external_id="c-1", status="blocked"
    )
    make_participant(campaign=ann.campaign)
    make_participant()

    for query in [
        {"external_id": "c-1"},
        {"email": "AnnLee+x@googlemail.com"},
        {"status": "blocked"},
        {"code": ann.code},
    ]:
        assert shown(api, "participants", **query) == [ann.public_id]
    assert len(shown(api, "participants", campaign=ann.campaign.public_id)) == 2


def test_referrals_are_narrowed_down(api: APIClient) -> None:
    referral = make_referral(status="qualified")
    make_referral(campaign=referral.campaign)

    for query in [
        {"advocate": referral.advocate.public_id},
        {"friend": referral.friend.public_id},
        {"status": "qualified"},
    ]:
        assert shown(api, "referrals", **query) == [referral.public_id]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("participants", "email=a..b"),
        ("participants", "email=a@b..c"),
        ("participants", "email=" + "x" * 500 + "@b.example"),
        ("participants", "campaign=spring"),
        ("participants", "status=sleeping"),
        ("participants", "created_after=yesterday"),
        ("participants", "colour=red"),
        ("participants", "limit=0"),
        ("participants", "limit=201"),
        ("participants", "cursor=x"),
        ("participants", "ordering=name"),
        ("referrals", "advocate=ann"),
        ("campaigns", "status=asleep"),
    ],
)
def test_filter_that_makes_no_sense_is_a_400(
    api: APIClient, path: str, query: str
) -> None:
    answer = api.get(f"{V1}/{path}?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_pages_follow_each_other_without_gaps(api: APIClient) -> None:
    campaign = make_campaign()
    made = [make_participant(campaign=campaign).public_id for _ in range(5)]

    seen, url = [], f"{V1}/participants?limit=2&ordering=id"
    while url:
        page = api.get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]

    assert seen == made


@pytest.mark.parametrize("path", ["participants", "referrals", "campaigns"])
def test_longer_list_takes_no_more_queries(api: APIClient, path: str) -> None:
    make_referral()
    api.get(f"{V1}/{path}")  # the key's first use is written down
    few = queries_of(api, path)

    for _ in range(10):
        make_referral()

    assert queries_of(api, path) == few


def queries_of(api: APIClient, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert api.get(f"{V1}/{path}").status_code == 200
    # Calls are counted now and then: see access/limits.py.
    return sum("access_callcount" not in each["sql"] for each in captured)


# --- What a key may not know of -----------------------------------------------------


@pytest.mark.parametrize("path", ["campaigns", "participants", "referrals"])
def test_other_mode_does_not_exist(path: str) -> None:
    referral = make_referral()
    row = {
        "campaigns": referral.campaign,
        "participants": referral.friend,
        "referrals": referral,
    }[path]
    live = caller(make_key(mode="live"))

    assert live.get(f"{V1}/{path}/{row.public_id}").status_code == 404
    assert shown(live, path) == []


def test_campaign_of_the_other_mode_is_unknown_to_a_body() -> None:
    live = caller(make_key(mode="live"))
    answer = live.post(f"{V1}/participants", enrolment(make_campaign()))
    assert (answer.status_code, pointers(answer)) == (422, ["/campaign"])


def test_referral_says_by_which_way_and_why(api: APIClient) -> None:
    ann = make_participant()
    body = enrolment(ann.campaign, referred_by={"code": ann.code})
    made = api.post(f"{V1}/participants", body).json()["referred_by"]["referral"]

    shown = api.get(f"{V1}/referrals/{made}").json()

    assert shown["way"] == "code"
    assert shown["marks"] == []
    first = shown["explanation"][0]
    assert first == {
        "check": "leads_to_an_advocate",
        "passed": True,
        "detail": f"It leads to {ann.public_id}.",
    }


def test_referrals_are_filtered_by_way_and_by_marks(api: APIClient) -> None:
    mark = {"code": "click_after_enrolment", "detail": "Late."}
    marked = make_referral(way="cookie", marks=[mark])
    make_referral(way="code")
    for filters in ({"way": "cookie"}, {"marked": "true"}):
        (found,) = api.get(f"{V1}/referrals", filters).json()["results"]
        assert found["id"] == marked.public_id
        assert found["marks"] == [mark]
    (other,) = api.get(f"{V1}/referrals", {"marked": "false"}).json()["results"]
    assert other["way"] == "code"


def test_refused_claims_are_listed_with_what_decided(api: APIClient) -> None:
    campaign = make_campaign()
    body = enrolment(campaign, referred_by={"code": "NOBODY"})
    friend = api.post(f"{V1}/participants", body).json()["id"]
    make_refused_claim(reason="self_referral")

    for filters in (
        {"reason": "unknown"},
        {"friend": friend},
        {"campaign": campaign.public_id},
    ):
        (claim,) = api.get(f"{V1}/refused-claims", filters).json()["results"]
        assert claim["friend"] == friend
        assert (claim["way"], claim["value"]) == ("code", "NOBODY")
        assert claim["advocate"] is None
        assert [each["passed"] for each in claim["explanation"]] == [False]
    wrong = api.get(f"{V1}/refused-claims", {"reason": "because"})
    assert (wrong.status_code, pointers(wrong)) == (400, ["/reason"])
