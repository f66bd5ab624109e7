"""Writing an e-mail's text in the admin, and seeing how it arrives."""

import re

import pytest
from playwright.sync_api import Page, expect

from referral_factory.mail.models import EmailTemplate
from tests.e2e.looks import LOOKS, Accessible, look_as, look_over
from tests.factories import make_campaign, make_email
from tests.mail.letters import template

TEXTS = "/admin/mail/emailtemplate/"
EMAILS = "/admin/mail/email/"


@pytest.fixture
def text() -> EmailTemplate:
    campaign = make_campaign(name="Give 5, get 10", mode="live")
    row: EmailTemplate = template("welcome", campaign)
    return row


def test_the_preview_follows_what_is_typed(page: Page, text: EmailTemplate) -> None:
    page.goto(f"{TEXTS}{text.pk}/change/")
    preview = page.frame_locator("#email-preview")
    expect(preview.get_by_role("heading", name="plain text")).to_be_visible()
    expect(preview.locator(".subject")).to_have_text("Your link for Give 5, get 10")

    page.get_by_label("Subject").fill("Ahoi {name}")
    expect(preview.locator(".subject")).to_have_text("Ahoi Ada Lovelace")

    page.get_by_label("Body").fill("<b>Hi</b> {nmae}")
    expect(preview.get_by_text("There is no {nmae} here.")).to_be_visible()

    page.get_by_label("Body").fill("<script>parent.hurt = 1</script>\n\n{portal}")
    expect(preview.get_by_role("link", name="Open my page")).to_be_visible()
    assert page.evaluate("window.hurt") is None

    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    text.refresh_from_db()
    assert text.subject == "Ahoi {name}"


def test_a_text_is_begun_with_our_words(page: Page) -> None:
    make_campaign(name="Spring")
    page.goto(TEXTS)
    page.get_by_role("link", name="Add", exact=False).first.click()
    page.locator("select[name=campaign]").select_option(label="Spring", force=True)
    page.get_by_label("Kind").select_option("confirmation")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_label("Body")).to_have_value(re.compile("{confirm}"))
    expect(
        page.frame_locator("#email-preview").get_by_role(
            "link", name="Confirm my address"
        )
    ).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_pages_are_accessible_and_fit(
    page: Page,
    text: EmailTemplate,
    accessible: Accessible,
    width: str,
    scheme: str,
) -> None:
    look_as(page, width, scheme)
    email = make_email(status="failed", error="SMTPRecipientsRefused 550")
    look_over(
        page,
        accessible,
        TEXTS,
        f"{TEXTS}add/",
        f"{TEXTS}{text.pk}/change/",
        EMAILS,
        f"{EMAILS}{email.pk}/change/",
    )
