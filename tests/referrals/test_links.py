"""Links: what is a click, where it leads, and what strangers may put into it."""

from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from referral_factory.ids import from_public
from referrals.models import Campaign, Click, Participant
from referrals.services.erasing import erase_participant
from referrals.services.participants import block_participant
from tests.factories import make_campaign, make_participant

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def browser() -> Client:
    return Client(headers={"User-Agent": FIREFOX}, raise_request_exception=False)


def advocate(**fields: object) -> Participant:
    return make_participant(campaign=make_campaign(**fields))


def test_click_is_stored_and_leads_to_the_landing_page(browser: Client) -> None:
    ann = advocate(landing_url="https://shop.example/welcome")

    answer = browser.get(f"/r/{ann.code}?utm_source=mail", REMOTE_ADDR="192.0.2.9")

    click = Click.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == (
        "https://shop.example/welcome"
        f"?utm_source=mail&ref={ann.code}&rf_click={click.public_id}"
    )
    assert answer["Cache-Control"] == "no-store"
    assert click.participant_id == ann.pk
    assert click.campaign_id == ann.campaign_id
    assert (click.address, click.user_agent) == ("192.0.2.9", FIREFOX)
    assert click.parameters == {"utm_source": "mail"}


def test_code_may_be_typed_in_lower_case(browser: Client) -> None:
    assert browser.get(f"/r/{advocate().code.lower()}").status_code == 302
    assert Click.objects.count() == 1


def test_click_is_dated_by_the_campaigns_clock(browser: Client) -> None:
    ann = advocate()
    Campaign.objects.update(clock_offset="-3650 days")
    browser.get(f"/r/{ann.code}")
    assert Click.objects.get().created_at.year <= 2017


def test_cookie_is_first_party_and_for_as_long_as_a_click_counts(
    browser: Client,
) -> None:
    ann = advocate(attribution_days=30)

    cookie = browser.get(f"/r/{ann.code}", secure=True).cookies["rf_click"]

    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == 30 * 86_400
    assert cookie["domain"] == ""


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
        {"User-Agent": "facebookexternalhit/1.1"},
        {"User-Agent": "WhatsApp/2.23"},
        {"User-Agent": "Slackbot-LinkExpanding 1.0"},
    ],
)
def test_nobody_clicked(browser: Client, headers: dict[str, str]) -> None:
    ann = advocate()

    answer = browser.get(f"/r/{ann.code}", headers=headers)

    assert answer.status_code == 302
    assert parse_qs(urlsplit(answer["Location"]).query) == {"ref": [ann.code]}
    assert "rf_click" not in answer.cookies
    assert not Click.objects.exists()


def test_head_is_answered_and_is_no_click(browser: Client) -> None:
    assert browser.head(f"/r/{advocate().code}").status_code == 302
    assert not Click.objects.exists()


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_link_is_for_reading(browser: Client, method: str) -> None:
    answer = getattr(browser, method)(f"/r/{advocate().code}")
    assert answer.status_code == 405
    assert not Click.objects.exists()


@pytest.mark.parametrize("code", ["NOBODY", "x" * 500, "%F0%9F%8E%81", "%ff", "..%2f"])
def test_unknown_code_is_a_page_not_an_error(browser: Client, code: str) -> None:
    assert browser.get(f"/r/{code}").status_code == 404


def test_unknown_code_leads_to_the_fallback(
    browser: Client, settings: LazySettings
) -> None:
    settings.FALLBACK_URL = "https://shop.example/"
    assert browser.get("/r/NOBODY")["Location"] == "https://shop.example/"


def test_nul_is_refused(browser: Client) -> None:
    assert browser.get("/r/%00").status_code == 400


@pytest.mark.parametrize("fields", [{"status": "draft"}, {"landing_url": ""}])
def test_campaign_that_is_not_set_up_leads_nowhere(
    browser: Client, fields: dict[str, str]
) -> None:
    assert browser.get(f"/r/{advocate(**fields).code}").status_code == 404


@pytest.mark.parametrize("status", ["paused", "ended"])
def test_links_outlive_their_campaign(browser: Client, status: str) -> None:
    ann = advocate(status=status, ended_at="2026-01-01T00:00Z")
    assert browser.get(f"/r/{ann.code}").status_code == 302


@pytest.mark.parametrize(
    "end", [block_participant, partial(erase_participant, wall=timezone.now())]
)
def test_link_of_whoever_is_not_active_earns_nothing(
    browser: Client, end: Callable[[Participant], object]
) -> None:
    ann = advocate()
    end(ann)

    answer = browser.get(f"/r/{ann.code}?a=1")

    assert answer["Location"] == f"{ann.campaign.landing_url}?a=1"
    assert not answer.cookies
    assert not Click.objects.exists()


def test_landing_page_keeps_its_own_query_and_fragment(browser: Client) -> None:
    ann = advocate(landing_url="https://shop.example/w?plan=pro&ref=own#top")

    url = urlsplit(browser.get(f"/r/{ann.code}?a=1&a=2")["Location"])

    click = Click.objects.get()
    assert parse_qsl(url.query) == [
        ("plan", "pro"),
        ("a", "1"),
        ("a", "2"),
        ("ref", ann.code),
        ("rf_click", click.public_id),
    ]
    assert url.fragment == "top"


@pytest.mark.parametrize(
    "query",
    [
        "next=https://evil.example",
        "ref=OTHER&rf_click=clk_forged",
        "a=%0d%0aSet-Cookie:%20x=1",
        "a=%3Cscript%3E",
        "%26=%23&x=%F0%9F%8E%81",
        "=&=&==&&",
        "&" * 1999,
        "a&" * 900,
        "a=" + "x" * 5000,
        "a=%ff%fe",
    ],
)
def test_hostile_parameters_change_neither_page_nor_credit(
    browser: Client, query: str
) -> None:
    ann = advocate()

    answer = browser.get(f"/r/{ann.code}?{query}")

    url = urlsplit(answer["Location"])
    found = parse_qs(url.query)
    assert answer.status_code == 302
    assert (url.scheme, url.netloc, url.path) == ("https", "shop.example", "/welcome")
    assert found["ref"] == [ann.code]
    assert found["rf_click"] == [Click.objects.get().public_id]
    assert "\r" not in answer["Location"]
    assert "\n" not in answer["Location"]
    assert set(answer.cookies) == {"rf_click"}


def test_agent_of_any_length_and_bytes_is_stored(browser: Client) -> None:
    agent = "Firefox " + "x" * 2000 + "\x01é"
    browser.get(f"/r/{advocate().code}", headers={"User-Agent": agent})
    assert len(Click.objects.get().user_agent) == 500


def test_click_id_on_the_landing_page_is_the_click(browser: Client) -> None:
    url = browser.get(f"/r/{advocate().code}")["Location"]
    ((click_id,),) = [parse_qs(urlsplit(url).query)["rf_click"]]
    assert from_public("clk", click_id) == Click.objects.get().pk


def test_qr_code_is_a_picture_of_the_link(browser: Client) -> None:
    answer = browser.get(f"/r/{advocate().code}/qr.svg")
    assert answer["Content-Type"] == "image/svg+xml"
    assert b"<svg" in answer.content
    assert not Click.objects.exists()


def test_qr_code_of_nobody_is_not_found(browser: Client) -> None:
    assert browser.get(f"/r/{quote('NO BODY')}/qr.svg").status_code == 404
