"""What staff read about a referral and its events, in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from referrals.models import Event, Referral
from tests.e2e.looks import LOOKS, Accessible, fits, look_as
from tests.factories import make_campaign, make_participant, make_rule
from tests.steps import DAY, NOON, enrol, refund, report

REFERRALS = "/admin/referrals/referral/"
EVENTS = "/admin/referrals/event/"


@pytest.fixture
def referral() -> Referral:
    """Three orders of which one was too small, and a refund that took it back."""
    campaign = make_campaign(
        name="Bring a friend",
        holding_days=14,
        reversal_events=["refund"],
        milestone_count=2,
        version=3,
    )
    ada = make_participant(campaign=campaign, name="Ada", created_at=NOON - 9 * DAY)
    make_rule(campaign=campaign)
    grace = enrol(
        campaign, external_id="grace", name="Grace", by_code=ada.code, wall=NOON - DAY
    ).participant
    report(grace, "5", event_id="order-1", wall=NOON)
    report(grace, "25", event_id="order-2", wall=NOON + DAY)
    report(grace, "40", event_id="order-3", wall=NOON + 2 * DAY, occurred_at=NOON + DAY)
    refund(grace, event_id="refund-1", reverses="order-3", wall=NOON + 3 * DAY)
    return Referral.objects.get()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_page_of_a_referral_reads_like_a_story(
    page: Page, referral: Referral, accessible: Accessible, width: str, scheme: str
) -> None:
    look_as(page, width, scheme)
    page.goto(f"{REFERRALS}{referral.pk}/change/")

    story = page.locator("#story-entries")
    expect(
        story.get_by_text("purchase order-1 (5.00 USD) does not count.")
    ).to_be_visible()
    expect(story.get_by_text("the minimum is 20.00").first).to_be_visible()
    hidden = story.get_by_text("They were referred.").first
    expect(hidden).not_to_be_visible()
    accessible(page)
    assert fits(page)

    page.get_by_role("button", name="Show all checks").focus()
    page.keyboard.press("Enter")
    expect(hidden).to_be_visible()
    accessible(page)
    assert fits(page)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_page_of_an_event_says_first_what_settled_it(
    page: Page, referral: Referral, accessible: Accessible, width: str, scheme: str
) -> None:
    look_as(page, width, scheme)
    event = Event.objects.get(event_id="order-1")
    page.goto(f"{EVENTS}{event.pk}/change/")

    expect(page.get_by_text("the minimum is 20.00").first).to_be_in_viewport()
    page.locator("summary", has_text="checks").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("They were referred.")).to_be_visible()
    accessible(page)
    assert fits(page)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_list_of_events_is_narrowed_to_the_unmatched(
    page: Page, referral: Referral, accessible: Accessible, width: str, scheme: str
) -> None:
    look_as(page, width, scheme)
    for number in range(3):
        report(
            {"external_id": f"nobody-{number}"},
            campaign=referral.campaign,
            event_id=f"early-{number}",
        )
    page.goto(EVENTS)
    expect(page.get_by_text("order-1").first).to_be_visible()
    accessible(page)

    page.goto("/admin/")
    page.get_by_role("link", name="Unmatched events 3 events that wait").click()
    expect(page.get_by_text("These events wait for what")).to_be_visible()
    expect(page.get_by_text("external id nobody-1").first).to_be_visible()
    expect(page.get_by_text("order-1", exact=True)).to_have_count(0)
    accessible(page)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_clock_of_a_test_campaign_is_moved_from_its_page(
    page: Page, referral: Referral, accessible: Accessible, width: str, scheme: str
) -> None:
    look_as(page, width, scheme)
    page.goto(f"/admin/referrals/campaign/{referral.campaign_id}/change/")
    page.get_by_role("link", name="Move its clock").click()
    accessible(page)
    assert fits(page)

    page.get_by_label("Forward by").select_option(label="a year")
    page.get_by_role("button", name="Move its clock").click()
    expect(page.get_by_text("0 referrals qualified, 1 expired")).to_be_visible()
    accessible(page)


def test_the_dashboard_leads_to_what_is_unmatched(
    page: Page, referral: Referral, accessible: Accessible
) -> None:
    report({"external_id": "nobody"}, campaign=referral.campaign, event_id="early")
    page.goto("/dashboard/")
    expect(page.get_by_text("1 event is unmatched")).to_be_visible()
    accessible(page)
    page.get_by_role("link", name="Look at it").click()
    expect(page.get_by_text("These events wait for what")).to_be_visible()
