"""Setting up an enrolment page in the admin, in a real browser."""

from collections.abc import Callable

from playwright.sync_api import Page

from tests.factories import make_campaign

Accessible = Callable[[Page], None]


def test_a_field_is_added_in_a_blank_row(page: Page, accessible: Accessible) -> None:
    campaign = make_campaign(name="Tea for two")
    page.goto(f"/admin/referrals/campaign/{campaign.public_id}/change/")
    page.get_by_label("Heading").fill("Tea tastes better in company")
    page.get_by_label("Open", exact=True).check()
    row = page.get_by_role("group", name="Field 1", exact=True)
    row.get_by_label("Question").fill("Which size?")
    row.get_by_label("Attribute").fill("size")
    row.get_by_label("Kind").select_option("choice")
    row.get_by_label("Choices").fill("Small\nLarge")
    row.get_by_label("Required").check()
    page.get_by_role("button", name="Save and continue").click()
    assert row.get_by_label("Question").input_value() == "Which size?"
    accessible(page)

    campaign.refresh_from_db()
    assert campaign.join["heading"] == "Tea tastes better in company"
    assert campaign.fields[0]["choices"] == ["Small", "Large"]
