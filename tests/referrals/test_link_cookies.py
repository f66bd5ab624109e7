"""The cookie of a link: the first link of each campaign wins, as long as it counts."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.core.signing import Signer
from django.test import Client
from django.utils import timezone

from referral_factory.ids import new_id
from referrals.cookies import COOKIE, MAX_CAMPAIGNS, add_click, read_cookie, sign_click
from referrals.models import Campaign, Click, Participant
from referrals.services.campaigns import move_clock
from referrals.services.clicks import record_click
from referrals.services.participants import block_participant
from tests.factories import make_campaign, make_participant

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def browser() -> Client:
    return Client(headers={"User-Agent": FIREFOX})


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign(attribution_days=30)


@pytest.fixture
def ann(campaign: Campaign) -> Participant:
    return make_participant(campaign=campaign)


@pytest.fixture
def bob(campaign: Campaign) -> Participant:
    return make_participant(campaign=campaign)


def follow(browser: Client, advocate: Participant) -> Click:
    """A click on their link, just now."""
    answer = browser.get(f"/r/{advocate.code}")
    assert answer.status_code == 302
    return Click.objects.latest("id")


def remembered(browser: Client, campaign: Campaign) -> UUID | None:
    return read_cookie(browser.cookies[COOKIE].value, campaign.pk)


def test_first_link_wins(
    browser: Client, campaign: Campaign, ann: Participant, bob: Participant
) -> None:
    first, second = follow(browser, ann), follow(browser, bob)

    assert second.participant_id == bob.pk  # counted all the same
    assert remembered(browser, campaign) == first.pk


def test_next_link_wins_once_the_first_is_too_old(
    browser: Client, campaign: Campaign, ann: Participant, bob: Participant
) -> None:
    first = follow(browser, ann)
    wall = timezone.now()
    move_clock(campaign, to=wall + timedelta(days=29), wall=wall)
    follow(browser, bob)
    assert remembered(browser, campaign) == first.pk

    move_clock(campaign, to=wall + timedelta(days=31), wall=wall)
    third = follow(browser, bob)

    assert remembered(browser, campaign) == third.pk


def test_link_of_a_blocked_advocate_stands_in_nobodys_way(
    browser: Client, campaign: Campaign, ann: Participant, bob: Participant
) -> None:
    follow(browser, ann)
    block_participant(ann)

    assert follow(browser, bob).pk == remembered(browser, campaign)


def test_campaigns_are_remembered_apart(
    browser: Client, campaign: Campaign, ann: Participant
) -> None:
    other = make_participant()
    first, elsewhere = follow(browser, ann), follow(browser, other)

    assert remembered(browser, campaign) == first.pk
    assert remembered(browser, other.campaign) == elsewhere.pk


def test_cookie_of_anybodys_making_is_replaced(
    browser: Client, campaign: Campaign, ann: Participant, bob: Participant
) -> None:
    click = follow(browser, bob)
    for forged in ["x", "a:b", sign_click(click)[:-1] + "_", '"\\', "%00", "x" * 5000]:
        browser.cookies[COOKIE] = forged

        assert remembered(browser, campaign) is None
        assert follow(browser, ann).pk == remembered(browser, campaign)


def test_cookie_is_secure_behind_a_proxy_that_ends_tls(
    browser: Client, ann: Participant, settings: LazySettings
) -> None:
    assert not browser.get(f"/r/{ann.code}").cookies[COOKIE]["secure"]
    settings.PUBLIC_URL = "https://refer.shop.example"
    browser.cookies.clear()
    assert browser.get(f"/r/{ann.code}").cookies[COOKIE]["secure"]


def test_cookie_keeps_the_latest_campaigns_and_stays_small() -> None:
    pairs = [(new_id(), new_id()) for _ in range(MAX_CAMPAIGNS + 2)]
    cookie = ""
    for campaign_id, click_id in pairs:
        cookie = add_click(cookie, campaign_id, click_id)

    found = [read_cookie(cookie, campaign_id) for campaign_id, _ in pairs]
    assert found == [None, None, *(click_id for _, click_id in pairs[2:])]
    assert len(cookie) < 400


@pytest.mark.parametrize("text", ["", "====", "AAAA", "A" * 42, "ü", "A" * 43 + "="])
def test_what_we_would_not_write_is_no_cookie(text: str) -> None:
    assert read_cookie(Signer(salt=COOKIE).sign(text), new_id()) is None


def test_old_key_still_reads_what_it_signed(
    ann: Participant, settings: LazySettings
) -> None:
    click = record_click(
        ann, address=None, user_agent="", parameters={}, wall=timezone.now()
    )
    cookie = sign_click(click)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another" * 10

    assert read_cookie(cookie, ann.campaign_id) == click.pk
