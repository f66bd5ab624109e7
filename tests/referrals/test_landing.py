"""Where links may lead: hosts on the list, and nowhere by a trick."""

from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from referral_factory.errors import InvalidInput
from referrals.landing import allowed_pages, landing_page, may_lead_to
from referrals.models import Campaign, Click
from referrals.services.campaigns import (
    change_campaign,
    create_campaign,
    launch_campaign,
)
from tests.api.callers import caller
from tests.factories import (
    make_campaign,
    make_endpoint,
    make_key,
    make_participant,
    make_rule,
)

HOSTS = ["shop.example", "*.example.org", "localhost:3000"]

GOOD = [
    "https://shop.example",
    "https://shop.example/",
    "http://shop.example/welcome?a=b#c",
    "HTTPS://SHOP.EXAMPLE/",
    "https://shop.example:8443/x",
    "https://shop.example?x",
    "https://www.example.org/",
    "https://a.b.example.org/",
    "http://localhost:3000/",
]
BAD = [
    "https://evil.example/",
    "https://shop.example.evil.example/",
    "https://evilshop.example/",
    "https://example.org/",
    "https://evilexample.org/",
    "https://evil.example/?.example.org/",
    "https://evil.example/.example.org",
    "https://evil.example#.example.org",
    "https://evil.example\\.example.org/",
    "https://evil.example\\@shop.example/",
    "https://shop.example@evil.example/",
    "https://shop.example:x@evil.example/",
    "https://user:secret@shop.example/",
    "https://shop.example\\evil.example/",
    "https://shop.example /",
    "https://shop.example\t/",
    "https://shop.example/\r\nSet-Cookie: a=b",
    "https://shop.example\n",
    "https:shop.example",
    "https:///shop.example",
    "https:/shop.example/",
    "//shop.example/",
    "///shop.example/",
    "\\\\shop.example/",
    "/\\shop.example/",
    "/welcome",
    "javascript:alert(1)//shop.example/",
    "data:text/html,https://shop.example/",
    "ftp://shop.example/",
    " https://shop.example/",
    "http://localhost/",
    "http://localhost:3001/",
    "http://localhost:30000/",
    "",
]


@pytest.mark.parametrize("page", GOOD)
def test_page_on_a_listed_host_is_allowed(page: str) -> None:
    assert may_lead_to(page, HOSTS)


@pytest.mark.parametrize("page", BAD)
def test_any_other_page_is_not(page: str) -> None:
    assert not may_lead_to(page, HOSTS)


@pytest.mark.parametrize("hosts", [[], HOSTS])
@pytest.mark.parametrize("page", [*GOOD, *BAD, "https://any.where/"])
def test_database_reads_the_pattern_as_we_do(page: str, hosts: list[str]) -> None:
    if any(character in page for character in "\r\n\t \\"):
        return  # which are refused before the pattern is asked, and never stored
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s ~* %s", [page, allowed_pages(tuple(hosts))])
        assert cursor.fetchone() == (may_lead_to(page, hosts),)


def test_without_a_list_any_host_will_do_by_http_or_https() -> None:
    assert may_lead_to("https://anywhere.example/", [])
    assert not may_lead_to("ftp://anywhere.example/", [])
    assert not may_lead_to("https://user@anywhere.example/", [])


@pytest.mark.parametrize(
    ("page", "whole"),
    [
        ("https://shop.example", "https://shop.example?a=1&ref=X"),
        ("https://shop.example/?b=2", "https://shop.example/?b=2&a=1&ref=X"),
        ("https://shop.example/?ref=own#x", "https://shop.example/?a=1&ref=X#x"),
        ("https://shop.example/ü", "https://shop.example/%C3%BC?a=1&ref=X"),
    ],
)
def test_only_the_query_of_the_page_grows(page: str, whole: str) -> None:
    assert landing_page(page, [("a", "1")], [("ref", "X")]) == whole


# At each moment that a landing page matters.


def test_campaign_is_not_made_with_a_foreign_page(settings: Settings) -> None:
    settings.LANDING_HOSTS = HOSTS
    with pytest.raises(InvalidInput) as refusal:
        create_campaign(
            mode="test",
            name="x",
            slug="x",
            currency="USD",
            landing_url="https://evil.example/",
        )
    assert (refusal.value.pointer, refusal.value.code) == (
        "/landing_url",
        "host_not_allowed",
    )


def test_api_names_the_field(settings: Settings) -> None:
    settings.LANDING_HOSTS = HOSTS
    api = caller(make_key())
    campaign = make_campaign()

    answer = api.patch(
        f"/api/v1/campaigns/{campaign.public_id}",
        {"landing_url": "https://evil.example/"},
        format="json",
    )

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/landing_url"]


def test_other_fields_can_change_while_the_page_is_foreign(settings: Settings) -> None:
    campaign = make_campaign(landing_url="https://evil.example/")
    settings.LANDING_HOSTS = HOSTS
    assert change_campaign(campaign, name="Renamed").name == "Renamed"


def test_campaign_is_not_launched_with_a_foreign_page(settings: Settings) -> None:
    campaign = make_campaign(status="draft", launched_at=None)
    make_rule(campaign=campaign)
    make_endpoint()
    settings.LANDING_HOSTS = ["other.example"]

    with pytest.raises(InvalidInput) as refusal:
        launch_campaign(campaign, wall=campaign.now())

    assert refusal.value.pointer == "/landing_url"


def test_link_to_a_host_that_is_listed_no_longer_falls_back(
    client: Client, settings: Settings
) -> None:
    ann = make_participant(campaign=make_campaign(landing_url="https://old.example/"))
    settings.LANDING_HOSTS = HOSTS
    assert client.get(f"/r/{ann.code}").status_code == 404

    settings.FALLBACK_URL = "https://shop.example/sorry"
    assert client.get(f"/r/{ann.code}")["Location"] == "https://shop.example/sorry"
    assert not Click.objects.exists()


@pytest.mark.parametrize("page", BAD)
def test_no_page_that_got_into_the_database_is_led_to(
    client: Client, settings: Settings, page: str
) -> None:
    ann = make_participant(campaign=make_campaign())
    Campaign.objects.update(landing_url=page)
    settings.LANDING_HOSTS = HOSTS

    answer = client.get(f"/r/{ann.code}")

    leads = urlsplit(answer.get("Location", ""))
    assert answer.status_code == 404 or leads.hostname == "shop.example"
    assert "\r" not in str(answer.headers)
