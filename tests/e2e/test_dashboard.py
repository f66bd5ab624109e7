"""The dashboard and the front page, in a real browser."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from referrals.models import Campaign
from tests.e2e.looks import LOOKS, Accessible, fits, look_as
from tests.factories import make_campaign
from tests.reporting.histories import make_history


@pytest.fixture
def campaign() -> Campaign:
    campaign = make_campaign(mode="live", name="Bring a friend")
    now = timezone.now()
    make_history(campaign, start=now - timedelta(days=60), end=now, people=90)
    return campaign


def drawn(page: Page) -> int:
    """How many charts have something else than one colour on them."""
    count: int = page.evaluate(
        """() => [...document.querySelectorAll("canvas")].filter((canvas) => {
             const {width, height} = canvas;
             const pixels = canvas.getContext("2d").getImageData(0, 0, width, height);
             return new Set(new Uint32Array(pixels.data.buffer)).size > 3;
           }).length"""
    )
    return count


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_a_filled_dashboard_shows_its_charts(
    page: Page, accessible: Accessible, campaign: Campaign, width: str, scheme: str
) -> None:
    look_as(page, width, scheme)
    page.goto("/dashboard/")
    assert page.locator(".card").count() == 8
    assert drawn(page) == 5
    assert fits(page)
    accessible(page)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_an_empty_dashboard_says_what_to_do(
    page: Page, accessible: Accessible, width: str, scheme: str
) -> None:
    look_as(page, width, scheme)
    page.goto("/dashboard/")
    assert page.get_by_role(
        "heading", name="There is no live campaign yet"
    ).is_visible()
    assert fits(page)
    accessible(page)


def test_a_draft_shows_its_checklist(page: Page, accessible: Accessible) -> None:
    make_campaign(mode="live", status="draft", name="Not yet", owner="")
    page.goto("/dashboard/")
    assert page.get_by_text("Say who answers for it").is_visible()
    accessible(page)


def test_a_mistake_leaves_the_page_standing(
    page: Page, accessible: Accessible, campaign: Campaign
) -> None:
    page.goto("/dashboard/?from=2026-05-01&to=2026-01-01&tz=Mars/Base&mode=x&period=x")
    assert page.get_by_role("alert").count() == 4
    assert drawn(page) == 5
    accessible(page)


def test_filters_are_in_the_address(page: Page, campaign: Campaign) -> None:
    make_campaign(mode="live", name="Another")
    page.goto("/dashboard/")
    page.get_by_label("Time zone").fill("Asia/Kolkata")
    page.get_by_label("By", exact=True).select_option("week")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**interval=week**")
    page.get_by_role("link", name="90 days").click()
    page.wait_for_url("**period=90d**")
    page.get_by_role("link", name="Bring a friend").click()
    page.wait_for_url(f"**campaign={campaign.public_id}**")
    assert page.get_by_role("heading", level=1).inner_text() == "Bring a friend"
    assert page.get_by_label("Time zone").input_value() == "Asia/Kolkata"
    assert page.get_by_role("heading", name="By week").is_visible()
    page.go_back()
    assert page.get_by_role("heading", level=1).inner_text() == "All campaigns"


def test_a_row_of_a_campaign_can_be_clicked_anywhere(
    page: Page, campaign: Campaign
) -> None:
    page.goto("/dashboard/")
    last = page.locator("table.pick tbody td").last
    last.scroll_into_view_if_needed()
    cell = last.bounding_box()
    assert cell
    page.mouse.click(cell["x"] + 5, cell["y"] + 5)
    page.wait_for_url(f"**campaign={campaign.public_id}**")


def test_tables_and_definitions_open_by_keyboard(
    page: Page, accessible: Accessible, campaign: Campaign
) -> None:
    page.goto("/dashboard/")
    page.locator("#card-clicks summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("#card-clicks .what p").is_visible()
    accessible(page)
    page.keyboard.press("Escape")
    assert not page.locator("#card-clicks .what p").is_visible()
    page.locator("#chart-clicks summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("#chart-clicks tbody tr").count() == 30
    assert page.locator("#chart-clicks table").is_visible()
    accessible(page)


def test_the_first_stop_of_the_keyboard_skips_to_the_content(
    page: Page, campaign: Campaign
) -> None:
    page.goto("/dashboard/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_front_page_opens_for_anybody(
    visitor: Page, accessible: Accessible, width: str, scheme: str
) -> None:
    look_as(visitor, width, scheme)
    visitor.goto("/")
    assert visitor.locator(".door").count() == 3
    assert fits(visitor)
    accessible(visitor)
