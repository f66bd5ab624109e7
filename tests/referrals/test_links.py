"""Links: what is a click, where it leads, and what strangers may put into it."""

from collections.abc import Iterator
from urllib.parse import parse_qs, parse_qsl, urlsplit

import psycopg
import pytest
from django.conf import LazySettings
from django.db import close_old_connections, connection
from django.test import Client
from django.utils import timezone

from referral_factory.ids import from_public
from referrals.attribution import Claim, Way
from referrals.models import Campaign, Click, Participant
from referrals.services.codes import rotate_code
from referrals.services.erasing import erase_participant
from referrals.services.participants import block_participant
from referrals.services.referring import refer_friend
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
    assert int(cookie["max-age"]) == 30 * 86_400
    assert cookie["domain"] == ""


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch;prerender"},
        {"Sec-Purpose": "Prefetch"},
        {"Purpose": "prefetch"},
        {"X-Purpose": "preview"},
        {"X-Moz": "prefetch"},
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
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


def test_nul_is_no_code(browser: Client, settings: LazySettings) -> None:
    assert browser.get("/r/%00").status_code == 400
    settings.FALLBACK_URL = "https://shop.example/"
    assert browser.get("/r/%00")["Location"] == "https://shop.example/"


def test_nul_in_a_parameter_is_left_out(browser: Client) -> None:
    answer = browser.get(f"/r/{advocate().code}?a=b%00c")
    assert parse_qs(urlsplit(answer["Location"]).query)["a"] == ["bc"]


@pytest.fixture
def no_database() -> Iterator[None]:
    """Its server is gone: a port where nobody listens."""
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(HOST="127.0.0.1", PORT="9")
    yield
    connection.close()
    connection.settings_dict.update(before)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_database")
def test_link_falls_back_while_the_database_is_away(
    browser: Client, settings: LazySettings
) -> None:
    settings.VISIT_LIMIT_PER_MINUTE = 20  # the second visit is counted there as well
    for _ in range(2):
        answer = browser.get("/r/ANYCODE")
        assert answer.status_code == 503
        assert int(answer["Retry-After"]) > 0
        assert b"<h1" in answer.content

    settings.FALLBACK_URL = "https://shop.example/ü"
    answer = browser.get("/r/ANYCODE")
    assert answer["Location"] == "https://shop.example/%C3%BC"


@pytest.mark.django_db(transaction=True)
def test_link_works_again_once_the_database_is_back(browser: Client) -> None:
    code = advocate().code
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    close_old_connections()  # as before every request, but for those of tests
    assert browser.get(f"/r/{code}").status_code == 302


@pytest.mark.parametrize("fields", [{"status": "draft"}, {"landing_url": ""}])
def test_campaign_that_is_not_set_up_leads_nowhere(
    browser: Client, fields: dict[str, str]
) -> None:
    assert browser.get(f"/r/{advocate(**fields).code}").status_code == 404


def test_former_code_that_works_leads_on_with_the_present_one(browser: Client) -> None:
    ann = advocate()
    before = ann.code
    rotate_code(ann, wall=timezone.now(), code="ANN", keep_old=True)

    answer = browser.get(f"/r/{before.lower()}")

    assert parse_qs(urlsplit(answer["Location"]).query)["ref"] == ["ANN"]
    assert Click.objects.get().participant_id == ann.pk


def test_former_code_that_was_ended_leads_nowhere(browser: Client) -> None:
    ann = advocate()
    before = ann.code
    rotate_code(ann, wall=timezone.now(), keep_old=False)
    assert browser.get(f"/r/{before}").status_code == 404


@pytest.mark.parametrize("status", ["paused", "ended"])
def test_links_outlive_their_campaign(browser: Client, status: str) -> None:
    ann = advocate(status=status, ended_at="2026-01-01T00:00Z")
    assert browser.get(f"/r/{ann.code}").status_code == 302


def test_link_of_whoever_was_erased_earns_nothing(browser: Client) -> None:
    ann = advocate()
    code = ann.code
    erase_participant(ann, wall=timezone.now())

    answer = browser.get(f"/r/{code}?a=1")

    assert answer["Location"] == f"{ann.campaign.landing_url}?a=1"
    assert not answer.cookies
    assert not Click.objects.exists()


def test_nobody_can_tell_by_a_link_that_its_advocate_is_blocked(
    browser: Client,
) -> None:
    ann = advocate()

    def followed_twice() -> list[object]:
        """All that two visits of one browser are told, but for which click it was."""
        browser.cookies.clear()
        answers = [browser.get(f"/r/{ann.code}?a=1") for _ in range(2)]
        clicks = [click.public_id for click in Click.objects.order_by("id")]
        return [
            [
                sorted(answer.headers),
                answer["Location"].replace(click, "clk"),
                sorted(answer.cookies),
            ]
            for answer, click in zip(answers, clicks[-2:], strict=True)
        ]

    active = followed_twice()
    block_participant(ann)

    assert followed_twice() == active
    assert f"ref={ann.code}&rf_click=clk" in str(active)
    friend = make_participant(campaign=ann.campaign)
    claim = Claim(Way.CLICK, Click.objects.latest("id").public_id)
    (refused,) = refer_friend(friend, [claim], wall=timezone.now()).refused
    assert refused.reason == "participant_blocked"


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
