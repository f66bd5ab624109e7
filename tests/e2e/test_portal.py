"""An advocate's own page, in a real browser."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from referrals.joining import portal_path
from referrals.models import Participant
from tests.e2e.looks import LOOKS, fits, look_as
from tests.factories import (
    make_campaign,
    make_participant,
    make_referral,
    make_reward,
    make_rule,
)

Accessible = Callable[[Page], None]
FRIENDS = [
    ("Bea Kiddo", "qualified", "issued"),
    ("Carl von Linné", "qualified", "flagged"),
    ("Dorothea Buck", "qualified", "approved"),
    ("", "holding", None),
    ("Nguyễn Văn An", "pending", None),
    ("Elsa", "expired", None),
    ("Franz <b>Bold</b>", "disqualified", None),
]


@pytest.fixture
def ann(live_server: LiveServer, settings: Settings) -> Participant:
    settings.PUBLIC_URL = live_server.url
    campaign = make_campaign(name="Tea for two", mode="live")
    return make_participant(campaign=campaign, name="Ann Lee")


@pytest.fixture
def busy(ann: Participant) -> Participant:
    """Ann with friends in every state."""
    rule = make_rule(campaign=ann.campaign)
    for name, status, reward in FRIENDS:
        friend = make_participant(campaign=ann.campaign, name=name)
        held = {"holds_until": ann.campaign.now()} if status == "holding" else {}
        over = {"disqualified_at": ann.campaign.now()} if "dis" in status else {}
        referral = make_referral(
            advocate=ann, friend=friend, status=status, reason="-", **held, **over
        )
        if reward:
            make_reward(referral=referral, rule=rule, status=reward, amount=Decimal(25))
    return ann


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_it_is_for_everybody_to_see(
    visitor: Page, accessible: Accessible, busy: Participant, width: str, scheme: str
) -> None:
    look_as(visitor, width, scheme)
    visitor.goto(portal_path(busy))
    assert visitor.get_by_role("heading", name="Hello, Ann").is_visible()
    assert visitor.get_by_text("Bea K.", exact=True).count() == 2
    assert visitor.locator("img").evaluate("img => img.complete && img.naturalWidth")
    assert fits(visitor)
    accessible(visitor)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_an_empty_page_is_for_everybody_too(
    visitor: Page, accessible: Accessible, ann: Participant, width: str, scheme: str
) -> None:
    look_as(visitor, width, scheme)
    visitor.goto(portal_path(ann))
    assert visitor.get_by_text("Nobody yet.").is_visible()
    assert fits(visitor)
    accessible(visitor)


def test_the_link_can_be_copied(
    context: BrowserContext, visitor: Page, ann: Participant
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.goto(portal_path(ann))
    visitor.get_by_role("button", name="Copy").click()
    expect(visitor.get_by_role("button", name="Copied")).to_be_visible()
    expect(visitor.get_by_role("status")).to_have_text("Copied")
    assert visitor.evaluate("navigator.clipboard.readText()") == ann.link


def test_without_script_the_link_is_there_to_be_selected(
    browser: Browser, live_server: LiveServer, ann: Participant
) -> None:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    page.goto(portal_path(ann))
    expect(page.get_by_label("Your link")).to_have_value(ann.link)
    expect(page.get_by_role("button", name="Copy")).to_be_hidden()
    assert page.get_by_role("link", name="WhatsApp").is_visible()
    context.close()


def test_a_person_who_reads_german_reads_german(
    browser: Browser, live_server: LiveServer, busy: Participant, accessible: Accessible
) -> None:
    context = browser.new_context(base_url=live_server.url, locale="de-DE")
    page = context.new_page()
    page.goto(portal_path(busy))
    assert page.get_by_role("heading", name="Hallo, Ann").is_visible()
    assert page.get_by_text("25,00\xa0$").first.is_visible()
    accessible(page)
    context.close()
