import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from referral_factory.money import as_text
from referral_factory.reporting.definitions import NUMBERS
from referral_factory.reporting.periods import Period
from referral_factory.reporting.questions import UTC as UTC_ZONE
from referral_factory.reporting.reports import summary
from referrals.models import Campaign
from tests.api.callers import caller, make_key
from tests.factories import make_campaign, make_participant
from tests.reporting.histories import make_history

START = datetime(2025, 2, 20, tzinfo=UTC)
END = datetime(2025, 3, 31, tzinfo=UTC)
MARCH = {"from": "2025-03-01", "to": "2025-03-31"}
SUMMARY = "/api/v1/reports/summary"
TIMESERIES = "/api/v1/reports/timeseries"


@pytest.fixture
def api() -> APIClient:
    return caller(make_key(scopes=["reports:read"])[1])


@pytest.fixture
def campaign() -> Campaign:
    campaign = make_campaign(mode="live")
    make_history(campaign, start=START, end=END, people=60)
    return campaign


def march(campaign: Campaign) -> Any:
    period = Period(date(2025, 3, 1), date(2025, 3, 31), UTC_ZONE)
    return summary([campaign], period).total


def test_the_summary_shows_every_number(api: APIClient, campaign: Campaign) -> None:
    answer = api.get(SUMMARY, MARCH)
    assert answer.status_code == 200, answer.content
    shown = answer.json()
    assert shown["from"], shown["to"] == ("2025-03-01", "2025-03-31")
    assert (shown["campaign"], shown["tz"], shown["previous"]) == (None, "UTC", None)
    total = march(campaign)
    for number in NUMBERS:
        expected: dict[str, Any] = {"count": total[number.name].count}
        if number.money:
            expected["amounts"] = [
                {"amount": as_text(amount, currency), "currency": currency}
                for currency, amount in total[number.name].money
            ]
        assert shown["numbers"][number.name] == expected
    rate = shown["numbers"]["qualification_rate"]
    assert rate["rate"] == round(rate["qualified"] / rate["referred"], 4)
    assert [row["campaign"] for row in shown["campaigns"]] == [campaign.public_id]
    assert shown["campaigns"][0]["numbers"] == shown["numbers"]


def test_the_period_before_comes_when_it_is_asked_for(
    api: APIClient, campaign: Campaign
) -> None:
    april = {"from": "2025-04-01", "to": "2025-05-01", "compare": "previous"}
    before = api.get(SUMMARY, april).json()["previous"]
    numbers = api.get(SUMMARY, MARCH).json()["numbers"]
    waiting = numbers.pop("flagged")  # is only known as it stands now
    assert waiting["count"] > 0
    assert before == {"from": "2025-03-01", "to": "2025-03-31", "numbers": numbers}


def test_a_timeseries_adds_up_to_the_summary(
    api: APIClient, campaign: Campaign
) -> None:
    numbers = api.get(SUMMARY, MARCH).json()["numbers"]
    for interval, buckets in (("day", 31), ("week", 6), ("month", 1)):
        shown = api.get(TIMESERIES, {**MARCH, "interval": interval}).json()
        assert len(shown["buckets"]) == buckets
        for name in ("enrolments", "clicks", "referred", "qualified", "issued"):
            added_up = sum(bucket[name]["count"] for bucket in shown["buckets"])
            assert added_up == numbers[name]["count"]


def test_a_timeseries_says_what_came_before_as_well(
    api: APIClient, campaign: Campaign
) -> None:
    shown = api.get(TIMESERIES, {**MARCH, "compare": "previous"}).json()
    assert len(shown["previous"]) == len(shown["buckets"]) == 31
    assert shown["previous"][-1]["to"] == "2025-02-28"


def test_days_are_those_of_the_time_zone(api: APIClient) -> None:
    campaign = make_campaign(mode="live")
    at = datetime(2025, 3, 9, 4, 30, tzinfo=UTC)  # still the 8th in New York
    make_participant(campaign=campaign, created_at=at)
    for zone, day in (("UTC", "2025-03-09"), ("America/New_York", "2025-03-08")):
        buckets = api.get(TIMESERIES, {**MARCH, "tz": zone}).json()["buckets"]
        found = [each["from"] for each in buckets if each["enrolments"]["count"]]
        assert found == [day]


def test_a_report_of_one_campaign_ends_by_the_clock_of_that_campaign() -> None:
    offset = datetime(1997, 6, 1, 12, tzinfo=UTC) - timezone.now()
    campaign = make_campaign(mode="test", clock_offset=offset)
    make_campaign(mode="test")
    api = caller(make_key(mode="test")[1])
    shown = api.get(SUMMARY, {"campaign": campaign.public_id}).json()
    assert (shown["from"], shown["to"]) == ("1997-05-03", "1997-06-01")
    assert shown["campaign"] == campaign.public_id


@pytest.mark.parametrize("path", [SUMMARY, TIMESERIES])
@pytest.mark.parametrize(
    ("parameters", "name", "code"),
    [
        ({"from": "2026-02-01", "to": "2026-01-01"}, "from", "reversed_range"),
        ({"from": "1900-01-01", "to": "2900-01-01"}, "from", "range_too_long"),
        ({"from": "0001-01-01"}, "from", "invalid_day"),
        ({"from": "2026-02-30"}, "from", "invalid_day"),
        ({"to": "2026-01-01T00:00:00Z"}, "to", "invalid_day"),
        ({"to": "\u0662\u0660\u0662\u0666-01-01"}, "to", "invalid_day"),
        ({"tz": "Mars/Olympus"}, "tz", "unknown_time_zone"),
        ({"tz": "../../etc/passwd"}, "tz", "unknown_time_zone"),
        ({"compare": "next"}, "compare", "invalid_choice"),
        ({"campaign": "cmp_01"}, "campaign", "not_found"),
        ({"campaign": "all of them"}, "campaign", "not_found"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_named(
    api: APIClient, path: str, parameters: dict[str, str], name: str, code: str
) -> None:
    answer = api.get(path, parameters)
    problem = answer.json()
    assert answer.status_code == 400
    assert answer["content-type"].startswith("application/problem+json")
    found = [(error["pointer"], error["code"]) for error in problem["errors"]]
    assert found == [(f"/{name}", code)]


@pytest.mark.parametrize(
    "parameters",
    [
        {"interval": "hour"},
        {"interval": "day", "from": "2016-01-01", "to": "2025-12-31"},
    ],
)
def test_an_interval_that_does_not_fit_is_named(
    api: APIClient, parameters: dict[str, str]
) -> None:
    answer = api.get(TIMESERIES, parameters)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/interval"


@pytest.mark.parametrize("name", ["campain", "period", "mode", "limit", "format"])
def test_an_unknown_parameter_is_refused(api: APIClient, name: str) -> None:
    answer = api.get(SUMMARY, {name: "live"})
    assert answer.status_code == 400
    assert [e["pointer"] for e in answer.json()["errors"]] == [f"/{name}"]


def test_a_campaign_that_the_key_may_not_see_does_not_exist(
    campaign: Campaign,
) -> None:
    own = make_campaign(mode="live", name="Mine")
    narrow = caller(make_key(campaign_ids=[own.pk])[1])
    other_mode = caller(make_key(mode="test")[1])
    for api in (narrow, other_mode):
        hidden = api.get(SUMMARY, {"campaign": campaign.public_id})
        unknown = api.get(SUMMARY, {"campaign": "cmp_01h455vb4pex5vsknk084sn02q"})
        assert hidden.status_code == unknown.status_code == 400
        assert hidden.json()["errors"] == unknown.json()["errors"]
        assert campaign.name not in api.get(SUMMARY, MARCH).content.decode()
    numbers = narrow.get(SUMMARY, MARCH).json()["numbers"]
    assert numbers["enrolments"]["count"] == 0


def test_reports_need_their_scope() -> None:
    api = caller(make_key(scopes=["campaigns:read"])[1])
    assert api.get(SUMMARY).status_code == 403
    assert APIClient().get(SUMMARY).status_code == 401


def test_a_summary_as_csv_has_a_row_for_each_campaign(
    api: APIClient, campaign: Campaign
) -> None:
    make_campaign(mode="live", name="=HYPERLINK(1)")
    answer = api.get(SUMMARY, MARCH, headers={"accept": "text/csv"})
    assert answer["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["name"] for row in rows][1:] == [campaign.name, "all of these"]
    assert rows[0]["name"] == "'=HYPERLINK(1)"
    total = march(campaign)
    assert rows[-1]["clicks"] == str(total["clicks"].count)
    assert rows[-1]["issued_EUR"] == as_text(total["issued"].amounts["EUR"], "EUR")


def test_a_timeseries_as_csv_has_a_row_for_each_bucket(
    api: APIClient, campaign: Campaign
) -> None:
    answer = api.get(TIMESERIES, MARCH, headers={"accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [rows[0]["from"], rows[-1]["to"]] == ["2025-03-01", "2025-03-31"]
    added_up = sum(int(row["clicks"]) for row in rows)
    assert added_up == march(campaign)["clicks"].count


def test_a_mistake_is_a_problem_document_for_those_who_want_csv(
    api: APIClient,
) -> None:
    answer = api.get(SUMMARY, {"tz": "Mars"}, headers={"accept": "text/csv"})
    assert answer.status_code == 400
    assert answer["content-type"].startswith("application/problem+json")
    assert answer.json()["status"] == 400


def test_a_report_says_when_it_was_made(api: APIClient) -> None:
    before = timezone.now()
    updated_at = datetime.fromisoformat(api.get(SUMMARY).json()["updated_at"])
    assert timedelta() <= updated_at - before < timedelta(minutes=1)
