"""The enrolment page, in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from referral_factory.pages import robots
from referrals.joining import confirmation_url
from referrals.models import Campaign, JoinRequest, Participant, Referral
from referrals.services.campaigns import change_campaign
from tests.e2e.conftest import Complaints
from tests.e2e.looks import LOOKS, fits, look_as
from tests.factories import make_participant
from tests.pages.forms import open_campaign

Accessible = Callable[[Page], None]
FIELDS = [
    {"name": "company", "label": "Where do you work?", "required": True},
    {
        "name": "size",
        "label": "How many of you are there?",
        "kind": "choice",
        "choices": ["Just me", "2 to 10", "More than 10"],
    },
    {"name": "birthday", "label": "When is your birthday?", "kind": "date"},
    {"name": "why", "label": "What brings you here?", "kind": "long_text"},
    {"name": "news", "label": "Send me news now and then", "kind": "tick"},
]
EVIL = '<img src=x onerror="document.title=1">\U0001f389 \u05d0\u05d1\u05d2'


@pytest.fixture
def campaign(live_server: LiveServer, settings: Settings) -> Campaign:
    settings.PUBLIC_URL = live_server.url
    settings.CSRF_TRUSTED_ORIGINS = [live_server.url]
    campaign = open_campaign(
        name="Tea for two",
        slug="tea",
        mode="live",
        landing_url=f"{live_server.url}/join/tea",
        fields=FIELDS,
    )
    page = {
        "heading": "Tea tastes better in company",
        "text": "Bring a friend: each of you gets a tin of first flush Darjeeling.",
        "consent": "I agree that you keep my name and address to send me my tea.",
    }
    return change_campaign(campaign, join=page)


@pytest.fixture(autouse=True)
def _in_no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test types faster than people do."""
    monkeypatch.setattr(robots, "QUICKEST", 0.0)


def fill_in(page: Page, email: str = "bea@mail.example.com") -> None:
    page.get_by_label("Your name").fill("Bea Kiddo")
    page.get_by_label("Your e-mail address").fill(email)
    page.get_by_label("Where do you work?").fill("At the tea house")
    page.get_by_label("I agree").check()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_form_is_for_everybody(
    visitor: Page, accessible: Accessible, campaign: Campaign, width: str, scheme: str
) -> None:
    look_as(visitor, width, scheme)
    visitor.goto("/join/tea")
    assert visitor.locator("h1").inner_text() == "Tea tastes better in company"
    assert fits(visitor)
    accessible(visitor)


def test_a_friend_comes_by_a_link_and_is_credited(
    context: BrowserContext, visitor: Page, accessible: Accessible, campaign: Campaign
) -> None:
    # Its own name says that it is driven by a program, whose visits do not count.
    context.set_extra_http_headers({"User-Agent": "Mozilla/5.0 Firefox/140.0"})
    advocate = make_participant(campaign=campaign, name="Ann Lee")
    visitor.goto(f"/r/{advocate.code}")
    assert visitor.get_by_text("You were invited").is_visible()
    fill_in(visitor)
    visitor.get_by_label("How many of you are there?").select_option("2 to 10")
    visitor.get_by_label("When is your birthday?").fill("1990-05-17")
    visitor.get_by_label("Send me news").check()
    visitor.get_by_role("button", name="Join").click()
    expect(visitor.get_by_role("heading", name="You are in")).to_be_visible()
    accessible(visitor)

    referral = Referral.objects.select_related("friend").get()
    assert (referral.advocate, referral.way) == (advocate, "click")
    assert referral.friend.attributes == {
        "company": "At the tea house",
        "size": "2 to 10",
        "birthday": "1990-05-17",
        "news": True,
    }


def test_it_works_with_the_keyboard_alone(visitor: Page, campaign: Campaign) -> None:
    visitor.goto("/join/tea")
    for typed in ("", "Bea", "bea@mail.example.com", "Tea house", "", "", "", "", ""):
        visitor.keyboard.press("Tab")
        if typed:
            visitor.keyboard.type(typed)
    visitor.get_by_label("I agree").focus()
    visitor.keyboard.press("Space")
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("heading", name="You are in")).to_be_visible()


def test_a_mistake_is_shown_where_it_is_and_loses_nothing(
    visitor: Page, accessible: Accessible, campaign: Campaign, complaints: Complaints
) -> None:
    visitor.goto("/join/tea")
    visitor.locator("form").evaluate("form => form.noValidate = true")
    visitor.get_by_label("Your name").fill(EVIL)
    visitor.get_by_label("Your e-mail address").fill("nonsense")
    visitor.get_by_role("button", name="Get my link").click()
    expect(visitor.get_by_role("alert")).to_be_visible()
    assert visitor.get_by_label("Your name").input_value() == EVIL
    wrong = visitor.locator("[aria-invalid]")
    assert wrong.count() == 3
    assert visitor.title() == "Tea tastes better in company"
    accessible(visitor)
    assert all("422" in complaint for complaint in complaints)
    complaints.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_wrong_form_can_be_read_by_everybody(
    visitor: Page,
    accessible: Accessible,
    campaign: Campaign,
    complaints: Complaints,
    scheme: str,
) -> None:
    look_as(visitor, "narrow", scheme)
    visitor.goto("/join/tea?ref=NOBODY")
    visitor.locator("form").evaluate("form => form.noValidate = true")
    visitor.get_by_role("button", name="Join").click()
    expect(visitor.get_by_role("alert")).to_be_visible()
    accessible(visitor)
    assert fits(visitor)
    complaints.clear()


def test_it_needs_no_script(
    browser: Browser, live_server: LiveServer, campaign: Campaign
) -> None:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/join/tea")
    fill_in(page)
    page.get_by_role("button", name="Get my link").click()
    person = Participant.objects.get(campaign=campaign)
    expect(page.get_by_label("Your link")).to_have_value(person.link)
    expect(page.get_by_role("button", name="Copy")).to_be_hidden()
    context.close()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_a_mailbox_is_confirmed_on_a_page_of_its_own(
    visitor: Page,
    accessible: Accessible,
    campaign: Campaign,
    settings: Settings,
    width: str,
    scheme: str,
) -> None:
    settings.EMAIL_URL = "smtp://mail.example"
    change_campaign(campaign, join={"confirm_email": True})
    look_as(visitor, width, scheme)
    visitor.goto("/join/tea")
    fill_in(visitor)
    visitor.get_by_role("button", name="Get my link").click()
    expect(visitor.get_by_role("heading", name="Look into")).to_be_visible()
    accessible(visitor)

    request = JoinRequest.objects.select_related("campaign").get()
    visitor.goto(confirmation_url(request))
    accessible(visitor)
    assert fits(visitor)
    visitor.get_by_role("button", name="Yes, that is me").click()
    expect(visitor.get_by_role("heading", name="Hello, Bea")).to_be_visible()


def test_what_people_write_is_text_whatever_it_is(
    visitor: Page, accessible: Accessible, campaign: Campaign
) -> None:
    fields = [{"name": "evil", "label": EVIL, "kind": "choice", "choices": [EVIL]}]
    page = {"heading": EVIL, "text": EVIL, "consent": EVIL}
    change_campaign(campaign, name=EVIL, fields=fields, join=page)
    advocate = make_participant(campaign=campaign, name=EVIL.replace(" ", ""))
    visitor.goto(f"/join/tea?ref={advocate.code}")
    assert visitor.locator("h1").inner_text() == EVIL
    assert visitor.locator("main img").count() == 0
    accessible(visitor)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_closed_page_is_kind(
    visitor: Page,
    accessible: Accessible,
    campaign: Campaign,
    complaints: Complaints,
    scheme: str,
) -> None:
    look_as(visitor, "narrow", scheme)
    Campaign.objects.update(status="paused", mode="test")
    visitor.goto("/join/tea")
    complaints.clear()  # about the status
    assert visitor.get_by_text("Please come back later").is_visible()
    accessible(visitor)
