"""Writing a condition and comparing versions in the admin, in a real browser."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from referrals.models import Campaign
from referrals.services.campaigns import change_campaign
from tests.e2e.looks import LOOKS, Accessible, fits, look_as
from tests.factories import make_campaign, make_referral
from tests.referrals.test_rules import make_event


@pytest.fixture
def campaign() -> Campaign:
    """With two versions, and events that say which plan somebody took."""
    campaign = make_campaign(name="Bring a friend")
    referral = make_referral(campaign=campaign)
    for plan in ("pro", "pro", "basic"):
        make_event(referral, amount=60, currency="USD", properties={"plan": plan})
    text = 'event.amount >= 50 && event.properties.plan == "pro"'
    change_campaign(campaign, milestone_condition=text, by="user:ana")
    return change_campaign(
        campaign,
        milestone_condition='event.amount >= 75.50 && event.properties.plan != "basic"',
        milestone_count=3,
        milestone_minimum=None,
        by="user:bob",
    )


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_a_condition_is_tried_while_it_is_written(
    page: Page, accessible: Accessible, campaign: Campaign, width: str, scheme: str
) -> None:
    look_as(page, width, scheme)
    page.goto(f"/admin/referrals/campaign/{campaign.public_id}/change/")
    condition = page.get_by_label("Condition")

    condition.fill("event.amuont >= 50")
    expect(page.get_by_text("did you mean amount?")).to_be_visible()
    _picture(page, f"rules-mistake-{width}-{scheme}")
    accessible(page)

    condition.fill("event.amount >= 50 && ")
    page.get_by_text("What it can ask about").click()
    page.get_by_role("button", name="event.properties.plan").click()
    page.keyboard.type(" == 'pro'")
    said = page.get_by_text("events called purchase by friends")
    expect(said).to_contain_text("true of 2, not true of 1")
    _picture(page, f"rules-tried-{width}-{scheme}")
    accessible(page)
    assert fits(page)

    page.get_by_role("button", name="Save and continue").click()
    campaign.refresh_from_db()
    assert (
        campaign.milestone_condition
        == "event.amount >= 50 && event.properties.plan == 'pro'"
    )


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_versions_are_compared(
    page: Page, accessible: Accessible, campaign: Campaign, width: str, scheme: str
) -> None:
    look_as(page, width, scheme)
    page.goto(f"/admin/referrals/campaign/{campaign.public_id}/change/")
    page.get_by_role("link", name="Versions and their differences").click()
    expect(page.get_by_text("From version 2 to version 3")).to_be_visible()
    assert page.locator("ins").all_inner_texts()[0] == "75.50"
    _picture(page, f"rules-versions-{width}-{scheme}")
    accessible(page)
    assert fits(page)

    page.get_by_label("Compare", exact=False).first.select_option("1")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("From version 1 to version 3")).to_be_visible()


def _picture(page: Page, name: str) -> None:
    """For somebody to look at, where SCREENSHOTS says where to."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
