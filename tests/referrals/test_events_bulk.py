"""Many events in one call: a result for each row, and good rows kept."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from referral_factory import bulk_bodies
from referrals.models import Campaign, Event, Referral
from rewards.models import Reward
from tests.api.callers import caller
from tests.factories import (
    make_campaign,
    make_endpoint,
    make_key,
    make_participant,
    make_referral,
    make_rule,
)
from webhooks.models import Message

BULK = "/api/v1/events/bulk"
# However many events: what finds and holds people, referrals and what was known of them
# (7), what writes the events and moves their referrals (2), what grants rewards (2),
# and what tells of it (1).
STATEMENTS = 12


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign()


def friend(campaign: Campaign, name: str) -> Referral:
    person = make_participant(campaign=campaign, external_id=name)
    return make_referral(campaign=campaign, friend=person)


def row(event_id: str, who: str, **fields: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "name": "purchase",
        "participant": {"external_id": who},
        "amount": "25.00",
        "currency": "USD",
        **fields,
    }


def send(
    api: APIClient, campaign: Campaign, *rows: Any, query: str = "", **headers: str
) -> Any:
    path = f"{BULK}?campaign={campaign.public_id}{query}"
    return api.post(path, list(rows), headers=headers)


def results(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.content
    found: list[Any] = answer.json()["results"]
    assert [each["row"] for each in found] == list(range(1, len(found) + 1))
    return found


def outcomes(answer: Any) -> list[str]:
    return [each["outcome"] for each in results(answer)]


def faults(found: Any) -> list[tuple[str, str]]:
    assert (found["outcome"], found["id"]) == ("failed", None)
    return [(each["pointer"], each["code"]) for each in found["errors"]]


def test_each_row_is_answered_by_its_number(api: APIClient, campaign: Campaign) -> None:
    referral = friend(campaign, "bob")

    answer = send(
        api,
        campaign,
        row("o-1", "bob", name="page_viewed"),
        row("o-2", "bob"),
        row("o-3", "bob"),
        row("o-4", "nobody"),
        row("o-2", "bob"),
    )

    found = results(answer)
    expected = ["recorded", "qualified", "recorded", "unmatched", "duplicate"]
    assert [each["outcome"] for each in found] == expected
    assert [each["status"] for each in found] == [201, 201, 201, 201, 200]
    assert found[1]["referral"] == referral.public_id
    assert found[4]["id"] == found[1]["id"]
    said = answer.json()
    assert {name: said[name] for name in set(expected)} == {
        "recorded": 2,
        "qualified": 1,
        "unmatched": 1,
        "duplicate": 1,
    }
    assert (said["failed"], said["holding"], said["dry_run"]) == (0, 0, False)


def test_a_result_says_what_decided_it(api: APIClient, campaign: Campaign) -> None:
    friend(campaign, "bob")

    (found,) = results(send(api, campaign, row("o-1", "bob", amount="5.00")))

    assert found["outcome"] == "not_matched"
    assert found["detail"] == "The amount is 5.00 USD; the minimum is 20.00."


def test_bad_rows_are_named_and_good_rows_kept(
    api: APIClient, campaign: Campaign
) -> None:
    friend(campaign, "bob")

    found = results(
        send(
            api,
            campaign,
            row("o-1", "bob", amount="1e3"),
            row("", "bob"),
            "row",
            row("o-4", "bob", reverses="o-4"),
            row("o-5", "bob", occurred_at="2999-01-01T00:00:00Z"),
            row("o-6", "bob", campaign="cmp_1"),
            row("o-7", "bob", participant={"email": "no mailbox"}),
            row("o-8", "bob"),
        )
    )

    assert [faults(each) for each in found[:-1]] == [
        [("/amount", "invalid_amount")],
        [("/event_id", "blank")],
        [("", "wrong_row")],
        [("/reverses", "invalid")],
        [("/occurred_at", "in_the_future")],
        [("/campaign", "invalid_id")],
        [("/participant/email", "invalid")],
    ]
    assert found[-1]["outcome"] == "qualified"
    assert list(Event.objects.values_list("event_id", flat=True)) == ["o-8"]


def test_lines_are_rows_too(api: APIClient, campaign: Campaign) -> None:
    friend(campaign, "bob")
    lines = "\n".join([json.dumps(row("o-1", "bob")), "{oops", ""])

    answer = api.post(
        f"{BULK}?campaign={campaign.public_id}",
        lines,
        content_type="application/x-ndjson",
    )

    assert outcomes(answer) == ["qualified", "failed"]


def test_each_row_may_name_its_campaign(api: APIClient, campaign: Campaign) -> None:
    other = make_campaign()
    friend(campaign, "bob")
    friend(other, "bob")

    answer = send(
        api,
        campaign,
        row("o-1", "bob"),
        row("o-1", "bob", campaign=other.public_id),
    )

    assert outcomes(answer) == ["qualified", "qualified"]
    assert set(Event.objects.values_list("campaign", flat=True)) == {
        campaign.pk,
        other.pk,
    }


def test_a_row_without_a_campaign_is_refused(api: APIClient) -> None:
    (found,) = results(api.post(BULK, [row("o-1", "bob")]))
    assert faults(found) == [("/campaign", "required")]


def test_a_draft_refuses_its_rows_and_no_others(
    api: APIClient, campaign: Campaign
) -> None:
    friend(campaign, "bob")
    draft = make_campaign(status="draft")

    found = results(
        send(
            api,
            campaign,
            row("o-1", "bob", campaign=draft.public_id),
            row("o-2", "bob"),
        )
    )

    assert faults(found[0]) == [("", "campaign_not_open")]
    assert found[0]["status"] == 409
    assert found[1]["outcome"] == "qualified"


def test_campaigns_of_others_are_unknown(campaign: Campaign) -> None:
    narrow = caller(make_key(campaign_ids=[campaign.pk]))
    other = make_campaign()

    answer = narrow.post(BULK, [row("o-1", "bob", campaign=other.public_id)])

    assert faults(results(answer)[0]) == [("/campaign", "unknown")]
    assert narrow.post(f"{BULK}?campaign={other.public_id}", []).status_code == 400


def test_no_rows_are_answered_by_no_results(api: APIClient, campaign: Campaign) -> None:
    assert results(send(api, campaign)) == []


def test_too_many_rows_are_refused(
    api: APIClient, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_bodies, "MAX_ROWS", 2)
    answer = send(api, campaign, *[row(f"o-{n}", "bob") for n in range(3)])
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_rows")


def test_a_call_is_repeated_by_its_key(api: APIClient, campaign: Campaign) -> None:
    friend(campaign, "bob")
    calls = [
        send(api, campaign, row("o-1", "bob"), Idempotency_Key="night-1")
        for _ in range(2)
    ]
    assert calls[0].content == calls[1].content
    assert calls[1].headers["Idempotent-Replayed"] == "true"


def statements(api: APIClient, campaign: Campaign, rows: list[Any]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        answer = send(api, campaign, *rows)
    assert "failed" not in outcomes(answer)
    sent = [each["sql"] for each in captured]
    return [each for each in sent if "access_callcount" not in each]  # now and then


def night(campaign: Campaign, night: int, people: int) -> list[Any]:
    """Each of these people: not the milestone, the milestone, one more, a refund of it,
    and one of a stranger."""
    rows = []
    for n in range(people):
        who = f"bob-{night}-{n}"
        friend(campaign, who)
        rows += [
            row(f"{who}-1", who, name="page_viewed"),
            row(f"{who}-2", who),
            row(f"{who}-3", who),
            row(f"{who}-4", who, name="refund", reverses=f"{who}-3", amount="1.00"),
            row(f"{who}-5", f"nobody-{night}-{n}"),
        ]
    return rows


def test_many_events_take_no_more_statements_than_a_few(api: APIClient) -> None:
    campaign = make_campaign(reversal_events=["refund"])
    make_rule(campaign=campaign)
    make_endpoint(mode=campaign.mode)
    statements(api, campaign, night(campaign, 0, people=1))  # the key is known now

    few = statements(api, campaign, night(campaign, 1, people=2))
    many = statements(api, campaign, night(campaign, 2, people=40))

    assert [each[:99] for each in few] == [each[:99] for each in many]
    assert len(many) <= STATEMENTS
    assert Referral.objects.filter(status="qualified").count() == 43
    assert Reward.objects.count() == 43
    assert Message.objects.filter(type="referral.qualified").count() == 43


def test_a_dry_run_writes_nothing_and_says_what_would_be(
    api: APIClient, campaign: Campaign
) -> None:
    make_rule(campaign=campaign)
    referral = friend(campaign, "bob")
    rows = [row("o-1", "bob"), row("o-2", "bob"), row("o-3", "nobody"), row("", "x")]

    answer = send(api, campaign, *rows, query="&dry_run=true")

    expected = ["qualified", "recorded", "unmatched", "failed"]
    assert outcomes(answer) == expected
    found = results(answer)
    assert [each["id"] for each in found] == [None] * 4
    assert found[0]["referral"] == referral.public_id
    assert found[0]["explanation"][0]["check"] == "event_is_milestone"
    assert [(each["id"], each["amount"]) for each in found[0]["rewards"]] == [
        (None, "10.00")
    ]
    assert found[1]["rewards"] == []
    assert answer.json()["dry_run"] is True
    assert not Event.objects.exists()
    assert not Reward.objects.exists()
    assert not Message.objects.exists()
    assert outcomes(send(api, campaign, *rows)) == expected
