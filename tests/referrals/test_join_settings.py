"""The enrolment page of a campaign, set up over the API."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from referrals.models import Campaign, ConsentText
from tests.api.callers import caller
from tests.factories import make_campaign, make_key

COMPANY = {
    "name": "company",
    "label": "Where do you work?",
    "kind": "text",
    "required": True,
    "choices": [],
    "for": "friend",
}


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign()


@pytest.fixture
def client() -> APIClient:
    return caller(make_key())


def change(client: APIClient, campaign: Campaign, **body: Any) -> Any:
    answer = client.patch(f"/api/v1/campaigns/{campaign.public_id}", body)
    return answer.status_code, answer.json()


def test_a_page_is_closed_until_it_is_opened(
    client: APIClient, campaign: Campaign
) -> None:
    shown = client.get(f"/api/v1/campaigns/{campaign.public_id}").json()
    assert shown["join"]["open"] is False
    assert shown["join"]["url"].endswith(f"/join/{campaign.slug}")
    assert shown["fields"] == []


def test_fields_are_kept_as_they_were_given(
    client: APIClient, campaign: Campaign
) -> None:
    status, shown = change(client, campaign, fields=[COMPANY])
    assert (status, shown["fields"]) == (200, [COMPANY])


def test_a_field_needs_no_more_than_a_name_and_a_label(
    client: APIClient, campaign: Campaign
) -> None:
    _, shown = change(client, campaign, fields=[{"name": "town", "label": "Town"}])
    assert shown["fields"][0]["kind"] == "text"
    assert shown["fields"][0]["for"] == "both"


def test_what_is_left_out_of_the_page_stays(
    client: APIClient, campaign: Campaign
) -> None:
    change(client, campaign, join={"open": True, "heading": "Hello"})
    _, shown = change(client, campaign, join={"text": "Come in."})
    assert shown["join"]["heading"] == "Hello"
    assert shown["join"]["open"] is True


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"fields": [COMPANY, COMPANY]}, "/fields"),
        ({"fields": [{**COMPANY, "name": "Not a name"}]}, "/fields/0/name"),
        ({"fields": [{**COMPANY, "kind": "choice"}]}, "/fields/0/choices"),
        ({"fields": [{**COMPANY, "choices": ["a"]}]}, "/fields/0/choices"),
        ({"fields": [{**COMPANY, "required": "yes"}]}, "/fields/0/required"),
        ({"fields": [{**COMPANY, "name": f"n{n}"} for n in range(21)]}, "/fields"),
        ({"join": {"share_text": "Join me"}}, "/join/share_text"),
        ({"join": {"colour": "red"}}, "/join/colour"),
    ],
)
def test_a_mistake_is_named(
    client: APIClient, campaign: Campaign, body: dict[str, Any], pointer: str
) -> None:
    status, problem = change(client, campaign, **body)
    assert status == 422
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_each_consent_text_is_a_version_that_is_kept(
    client: APIClient, campaign: Campaign
) -> None:
    for text in ("I agree.", "I agree.", "I do agree.", ""):
        change(client, campaign, join={"consent": text})
    versions = ConsentText.objects.filter(campaign=campaign).order_by("version")
    assert [(v.version, v.text) for v in versions] == [
        (1, "I agree."),
        (2, "I do agree."),
    ]


def test_a_campaign_can_be_made_with_its_page(client: APIClient) -> None:
    body = {"name": "New", "slug": "new", "currency": "USD"}
    answer = client.post("/api/v1/campaigns", {**body, "join": {"consent": "Yes."}})
    assert answer.status_code == 201
    assert ConsentText.objects.get().text == "Yes."


def test_confirming_needs_email(
    client: APIClient, campaign: Campaign, settings: Settings
) -> None:
    settings.EMAIL_URL = ""
    page = {"open": True, "confirm_email": True}
    status, problem = change(client, campaign, join=page)
    assert status == 422
    assert problem["errors"][0]["pointer"] == "/join/confirm_email"

    settings.EMAIL_URL = "smtp://mail.example"
    assert change(client, campaign, join=page)[0] == 200
