"""The enrolment page of a campaign, set up on its form."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from referrals.models import Campaign, ConsentText
from tests.admin.test_programme import CAMPAIGNS, FORM
from tests.factories import make_campaign

FIELD = {
    "asked-0-label": "Which size?",
    "asked-0-name": "size",
    "asked-0-kind": "choice",
    "asked-0-for": "friend",
    "asked-0-choices": "Small\r\nLarge\r\n",
    "asked-0-required": "on",
}
KEPT = {
    "name": "size",
    "label": "Which size?",
    "kind": "choice",
    "required": True,
    "choices": ["Small", "Large"],
    "for": "friend",
}


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign(status="draft")


def save(client: Client, campaign: Campaign, **filled: str) -> str:
    form = {**FORM, "slug": campaign.slug, **filled}
    answer = client.post(f"{CAMPAIGNS}{campaign.pk}/change/", form, follow=True)
    campaign.refresh_from_db()
    return answer.content.decode()


def test_the_page_is_set_up_on_the_campaigns_form(
    boss: Client, campaign: Campaign
) -> None:
    page = {"join_open": "on", "join_heading": "Hello", "join_consent": "I agree."}
    save(boss, campaign, **page, **FIELD)
    assert campaign.join["open"] is True
    assert campaign.join["heading"] == "Hello"
    assert campaign.fields == [KEPT]
    assert ConsentText.objects.get().text == "I agree."


def test_the_form_shows_what_is_set(boss: Client, campaign: Campaign) -> None:
    Campaign.objects.update(fields=[KEPT], join={"heading": "<b>Hello</b>"})
    shown = boss.get(f"{CAMPAIGNS}{campaign.pk}/change/").content.decode()
    assert 'value="Which size?"' in shown
    assert 'value="&lt;b&gt;Hello&lt;/b&gt;"' in shown
    assert "Small\nLarge" in shown


def test_saving_without_a_change_changes_nothing(
    boss: Client, campaign: Campaign
) -> None:
    Campaign.objects.update(fields=[KEPT], join={"consent": "I agree."})
    save(boss, campaign, **FIELD, join_consent="I agree.")
    assert (campaign.fields, campaign.join) == ([KEPT], {"consent": "I agree."})


def test_a_field_that_cannot_be_is_told_by_its_row(
    boss: Client, campaign: Campaign
) -> None:
    page = save(boss, campaign, **{**FIELD, "asked-0-name": "Not a name"})
    assert "Row 1, name" in page
    assert campaign.fields == []


def test_confirming_needs_email(
    boss: Client, campaign: Campaign, settings: Settings
) -> None:
    settings.EMAIL_URL = ""
    page = save(boss, campaign, join_open="on", join_confirm_email="on")
    assert "set EMAIL_URL" in page
    assert campaign.join == {}


def test_a_share_text_without_the_link_is_refused(
    boss: Client, campaign: Campaign
) -> None:
    page = save(boss, campaign, join_share_text="Come!")
    assert "Say where the link goes" in page
