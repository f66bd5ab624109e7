"""Many people in one call: a result for each row, and good rows kept."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from referral_factory import bulk_bodies
from referrals.models import Campaign, Event, Participant, Referral, RefusedClaim
from tests.factories import make_campaign, make_endpoint, make_participant
from tests.steps import report
from webhooks.models import Delivery, Message

BULK = "/api/v1/participants/bulk"


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign()


def send(api: APIClient, campaign: Campaign, *rows: Any, **headers: str) -> Any:
    return api.post(
        f"{BULK}?campaign={campaign.public_id}", list(rows), headers=headers
    )


def send_text(
    api: APIClient, campaign: Campaign, text: str | bytes, kind: str = "json"
) -> Any:
    path = f"{BULK}?campaign={campaign.public_id}"
    return api.post(path, text, content_type=f"application/{kind}")


def results(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.content
    found: list[Any] = answer.json()["results"]
    assert [each["row"] for each in found] == list(range(1, len(found) + 1))
    return found


def faults(answer: Any, row: int = 1) -> list[tuple[str, str]]:
    found = results(answer)[row - 1]
    assert found["outcome"] == "failed"
    return [(each["pointer"], each["code"]) for each in found["errors"]]


def test_each_row_is_answered_by_its_number(api: APIClient, campaign: Campaign) -> None:
    make_participant(campaign=campaign, external_id="c-2", email=None, name="Bob")
    make_participant(campaign=campaign, external_id="c-3", email=None, name="Cy")

    answer = send(
        api,
        campaign,
        {"external_id": "c-1", "name": "Ann"},
        {"external_id": "c-2", "name": "Robert"},
        {"external_id": "c-3", "name": "Cy"},
        {"email": "ann@@shop.example"},
    )

    found = results(answer)
    assert [each["status"] for each in found] == [201, 200, 200, 422]
    outcomes = ["created", "updated", "unchanged", "failed"]
    assert [each["outcome"] for each in found] == outcomes
    body = answer.json()
    assert {each: body[each] for each in outcomes} == dict.fromkeys(outcomes, 1)
    ann = Participant.objects.get(external_id="c-1")
    assert found[0]["id"] == ann.public_id
    assert found[3]["id"] is None
    assert Participant.objects.get(external_id="c-2").name == "Robert"


def test_rows_may_stand_on_a_line_each(api: APIClient, campaign: Campaign) -> None:
    lines = [
        '{"external_id": "c-1"}',
        "",
        '{"external_id": "c-2"',
        '{"email": "a@b.example"}',
    ]

    answer = send_text(api, campaign, "\n".join(lines) + "\n", "x-ndjson")

    assert [each["status"] for each in results(answer)] == [201, 422, 201]
    assert faults(answer, 2) == [("", "malformed_json")]


@pytest.mark.parametrize("kind", ["json", "x-ndjson"])
@pytest.mark.parametrize(
    ("row", "pointer", "code"),
    [
        (r'{"email": "a@b.cd", "email": "c@b.cd"}', "/email", "duplicate_key"),
        (
            r'{"external_id": "c-1", "attributes": {"a": {"b": 1, "b": 2}}}',
            "/attributes/a/b",
            "duplicate_key",
        ),
        (r'{"external_id": "a\u0000b"}', "/external_id", "bad_text"),
        (r'{"external_id": "c-1", "name": "\ud800"}', "/name", "bad_text"),
        (r'{"attributes": {"a": NaN}}', "/attributes/a", "malformed_json"),
        (
            r'{"external_id": "c-1", "attributes": {"a": 9007199254740993}}',
            "/attributes/a",
            "number_out_of_range",
        ),
        (r"[1]", "", "wrong_row"),
        (r"null", "", "wrong_row"),
        (r"{}", "/external_id", "required"),
        (r'{"external_id": "c-1", "nmae": "Ann"}', "/nmae", "unknown_field"),
        (r'{"external_id": "c-1", "name": "a\u0001b"}', "/name", "control_character"),
        (r'{"external_id": "c", "name": "\u202egnp"}', "/name", "hidden_character"),
        (r'{"email": "an\u200bn@shop.example"}', "/email", "hidden_character"),
        (r'{"external_id": "4111 1111 1111 1111"}', "/external_id", "card_number"),
        (r'{"external_id": "c-1", "name": ["Ann"]}', "/name", "invalid"),
        (
            r'{"external_id": "c-1", "customer_since": "yesterday"}',
            "/customer_since",
            "invalid_moment",
        ),
        (r'{"external_id": "c-1", "address": "1.2.3"}', "/address", "invalid"),
        (r'{"email": "nobody"}', "/email", "invalid"),
        (r'{"external_id": "c-1", "referred_by": {}}', "/referred_by", "required"),
        (
            r'{"external_id": "c-1", "referred_by": {"email": "ann@shop.example"}}',
            "/referred_by/email",
            "unknown",
        ),
        (
            r'{"external_id": "c-1", "campaign": "cmp_00000000000000000000000000"}',
            "/campaign",
            "unknown",
        ),
        (r'{"external_id": "c-1", "campaign": "x"}', "/campaign", "invalid_id"),
    ],
)  # fmt: skip
def test_bad_row_says_where_and_leaves_the_others(
    api: APIClient, campaign: Campaign, kind: str, row: str, pointer: str, code: str
) -> None:
    rows = ['{"external_id": "good-1"}', row, '{"external_id": "good-2"}']
    text = f"[{','.join(rows)}]" if kind == "json" else "\n".join(rows)

    answer = send_text(api, campaign, text, kind)

    assert faults(answer, 2) == [(pointer, code)]
    assert [each["status"] for each in results(answer)] == [201, 422, 201]
    assert Participant.objects.count() == 2


def test_text_that_is_too_long_and_attributes_too_large_are_faults(
    api: APIClient, campaign: Campaign
) -> None:
    answer = send(
        api,
        campaign,
        {"external_id": "c-1", "name": "x" * 10_000},
        {"external_id": "c-2", "attributes": {"a": "x" * 17_000}},
    )

    assert faults(answer, 1) == [("/name", "max_length")]
    assert faults(answer, 2) == [("/attributes", "too_large")]


@pytest.mark.parametrize(
    "kept",
    [
        {"email": "=1+1@x.com"},
        {"email": "ann@shop.example", "name": "=HYPERLINK(1)"},
        {"email": "ann@shop.example", "name": "<script>alert(1)</script>"},
        {"email": "ann@shop.example", "name": "Ann \U0001f469\u200d\U0001f680"},
        {"email": "ann@shop.example", "name": "\u05d0\u05e0\u05d4"},
    ],
)
def test_strange_and_true_values_are_kept_as_they_are(
    api: APIClient, campaign: Campaign, kept: dict[str, str]
) -> None:
    send(api, campaign, kept)

    ann = Participant.objects.get()
    assert {name: getattr(ann, name) for name in kept} == kept


def test_all_that_is_wrong_with_a_row_is_said(
    api: APIClient, campaign: Campaign
) -> None:
    row = {"external_id": "", "name": "a\u0001", "plan": "pro"}

    found = faults(send(api, campaign, row))

    assert sorted(found) == [
        ("/external_id", "blank"),
        ("/name", "control_character"),
        ("/plan", "unknown_field"),
    ]


def test_two_rows_of_one_person_are_one_person(
    api: APIClient, campaign: Campaign
) -> None:
    found = results(
        send(
            api,
            campaign,
            {"external_id": "c-1", "name": "Ann"},
            {"external_id": "c-9"},
            {"external_id": "c-1", "email": "ann@shop.example", "name": "Anne"},
            {"email": "Ann@shop.example"},
        )
    )

    assert [each["status"] for each in found] == [201, 201, 200, 200]
    assert [each.get("same_person_as_row") for each in found] == [None, None, 1, 1]
    assert [each["outcome"] for each in found[2:]] == ["updated", "updated"]
    ann = Participant.objects.get(external_id="c-1")
    assert (ann.name, ann.email) == ("Anne", "Ann@shop.example")


def test_names_of_two_people_are_that_rows_conflict(
    api: APIClient, campaign: Campaign
) -> None:
    make_participant(campaign=campaign, external_id="c-1", email=None)
    make_participant(campaign=campaign, external_id="c-2", email="bob@shop.example")

    answer = send(
        api,
        campaign,
        {"external_id": "c-1", "email": "bob@shop.example"},
        {"external_id": "c-3", "email": "bob@shop.example"},
        {"external_id": "c-4"},
    )

    assert [each["status"] for each in results(answer)] == [409, 409, 201]
    assert faults(answer, 1) == faults(answer, 2) == [("", "identity_conflict")]


def test_rows_of_one_call_may_name_each_other_as_advocates(
    api: APIClient, campaign: Campaign
) -> None:
    answer = send(
        api,
        campaign,
        {"external_id": "c-1"},
        {"external_id": "c-2", "referred_by": {"external_id": "c-1"}},
        {"external_id": "c-3", "referred_by": {"external_id": "c-4"}},
        {"external_id": "c-4"},
    )

    assert [each["status"] for each in results(answer)] == [201, 201, 422, 201]
    assert faults(answer, 3) == [("/referred_by/external_id", "unknown")]
    referral = Referral.objects.get()
    assert referral.advocate.external_id == "c-1"
    assert results(answer)[1]["referral"] == referral.public_id


def test_advocate_whose_own_row_is_refused_is_nobody(
    api: APIClient, campaign: Campaign
) -> None:
    make_participant(campaign=campaign, external_id="c-1", email="ann@shop.example")
    rows = [
        {"external_id": "c-2", "email": "ann@shop.example"},
        {"external_id": "c-3", "referred_by": {"external_id": "c-2"}},
        {"external_id": "c-4", "referred_by": {"external_id": "c-3"}},
    ]

    answer = send(api, campaign, *rows)

    assert [each["status"] for each in results(answer)] == [409, 422, 422]
    assert not Participant.objects.filter(
        external_id__in=["c-2", "c-3", "c-4"]
    ).exists()


def test_refused_claim_blocks_nobody_and_is_told(
    api: APIClient, campaign: Campaign
) -> None:
    (found,) = results(
        send(api, campaign, {"external_id": "c-1", "referred_by": {"code": "NOPE"}})
    )

    assert (found["status"], found["referral"]) == (201, None)
    assert found["refused_claims"][0]["reason"] == "unknown"
    assert RefusedClaim.objects.count() == 1


def test_advocate_who_is_renamed_by_a_later_row_stops_nobody(
    api: APIClient, campaign: Campaign
) -> None:
    *_, found = results(
        send(
            api,
            campaign,
            {"external_id": "c-1", "email": "old@shop.example"},
            {"external_id": "c-1", "email": "new@shop.example"},
            {"external_id": "c-2", "referred_by": {"email": "old@shop.example"}},
        )
    )

    assert (found["status"], found["referral"]) == (201, None)
    assert found["refused_claims"][0]["reason"] == "unknown"


def test_events_that_came_before_are_judged(api: APIClient, campaign: Campaign) -> None:
    report({"external_id": "c-2"}, campaign=campaign)

    send(api, campaign, {"external_id": "c-1"}, {"external_id": "c-2"})

    person = Participant.objects.get(external_id="c-2")
    assert Event.objects.get().participant == person


def test_rows_may_name_campaigns_of_their_own(
    api: APIClient, campaign: Campaign
) -> None:
    other = make_campaign()
    rows = [
        {"external_id": "c-1", "campaign": other.public_id},
        {"external_id": "c-1"},
    ]

    assert [each["status"] for each in results(send(api, campaign, *rows))] == [
        201,
        201,
    ]
    assert other.participants.count() == campaign.participants.count() == 1
    without = api.post(BULK, rows)
    assert [each["status"] for each in results(without)] == [200, 422]
    assert faults(without, 2) == [("/campaign", "required")]


def test_campaign_that_is_not_open_takes_no_newcomers(
    api: APIClient, campaign: Campaign
) -> None:
    known = make_participant(campaign=campaign)
    Campaign.objects.update(status="paused")

    answer = send(
        api, campaign, {"external_id": known.external_id}, {"external_id": "x"}
    )

    assert [each["status"] for each in results(answer)] == [200, 409]
    assert faults(answer, 2) == [("", "campaign_not_open")]


@pytest.mark.parametrize(
    ("text", "kind", "status", "code"),
    [
        ("{}", "json", 400, "wrong_body"),
        ("[", "json", 400, "malformed_json"),
        (b'["\xff"]', "json", 400, "not_utf8"),
        ("[" * 5000 + "]" * 5000, "json", 400, "too_deep"),
        ("external_id\nc-1", "csv", 415, "unsupported_media_type"),
    ],
)
def test_body_that_is_no_list_of_rows_is_refused(
    api: APIClient, campaign: Campaign, text: Any, kind: str, status: int, code: str
) -> None:
    answer = send_text(api, campaign, text, kind)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_no_rows_are_no_work(api: APIClient, campaign: Campaign) -> None:
    for text, kind in (("[]", "json"), ("\n\n", "x-ndjson")):
        assert results(send_text(api, campaign, text, kind)) == []


def test_too_many_rows_are_refused_as_a_whole(
    api: APIClient, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_bodies, "MAX_ROWS", 2)
    rows = [{"external_id": f"c-{n}"} for n in range(3)]

    for text, kind in (
        (json.dumps(rows), "json"),
        ("\n".join(map(json.dumps, rows)), "x-ndjson"),
    ):
        answer = send_text(api, campaign, text, kind)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_many_rows")
    assert not Participant.objects.exists()


def test_unknown_campaign_of_all_rows_is_malformed(api: APIClient) -> None:
    for text in ("x", "cmp_00000000000000000000000000"):
        answer = api.post(f"{BULK}?campaign={text}", [])
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_repeating_a_call_with_its_key_repeats_the_answer(
    api: APIClient, campaign: Campaign
) -> None:
    rows = [{"external_id": "c-1"}, {"external_id": ""}]

    first = send(api, campaign, *rows, **{"Idempotency-Key": "k1"})
    again = send(api, campaign, *rows, **{"Idempotency-Key": "k1"})

    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"


def test_call_about_thousands_takes_no_more_statements_than_one_about_two(
    api: APIClient, campaign: Campaign
) -> None:
    make_endpoint()

    def statements(prefix: str, count: int) -> int:
        rows = [
            {"external_id": f"{prefix}-{n}", "email": f"{prefix}-{n}@shop.example"}
            for n in range(count)
        ]
        with CaptureQueriesContext(connection) as captured:
            assert len(results(send(api, campaign, *rows))) == count
        # Calls are counted now and then.
        return sum("access_callcount" not in each["sql"] for each in captured)

    statements("first", 1)
    assert statements("few", 2) == statements("many", 1000)
    assert Message.objects.filter(type="participant.created").count() == 1003
    assert Delivery.objects.count() == 1003


def test_a_row_full_of_mistakes_is_answered_by_the_first_of_them(
    api: APIClient, campaign: Campaign
) -> None:
    row = '{"attributes": {"a": [' + ",".join(["NaN"] * 1000) + "]}}"

    for kind in ("json", "x-ndjson"):
        body = f"[{row}]" if kind == "json" else row
        assert len(faults(send_text(api, campaign, body, kind))) == 20


def test_a_body_full_of_mistakes_is_not_read_to_its_end(
    api: APIClient, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_bodies, "MOST_UNREADABLE", 3)
    row = '{"attributes": {"a": [NaN, NaN, NaN]}}'

    whole = send_text(api, campaign, f"[{row}, {row}]")
    lines = send_text(api, campaign, f"{row}\n{row}", "x-ndjson")

    assert (whole.status_code, whole.json()["code"]) == (400, "malformed_json")
    assert [len(each["errors"]) for each in results(lines)] == [3, 1]
