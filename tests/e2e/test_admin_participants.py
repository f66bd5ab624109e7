"""Finding a person in the admin, looking at all that hangs on them, and acting."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from referrals.models import (
    Campaign,
    Consent,
    ConsentText,
    FormerCode,
    Participant,
    RefusedClaim,
)
from tests.e2e.looks import LOOKS, Accessible, look_as, look_over
from tests.factories import make_campaign, make_event, make_participant, make_referral

PEOPLE = "/admin/referrals/participant/"
HOSTILE = "<script>throw new Error('it ran')</script>"


@pytest.fixture
def ada() -> Participant:
    """Somebody in the middle of a tree, with a row of every kind."""
    campaign = make_campaign(name="Give 5, get 10", mode="live")
    first = make_participant(campaign=campaign, name="Zoë First")
    person = make_participant(
        campaign=campaign,
        name="Ada Lovelace",
        email="ada@example.com",
        attributes={"plan": "pro", "tags": ["early", "loud"], "shop": {"id": 7}},
        confirmed_at=timezone.now(),
    )
    make_referral(advocate=first, friend=person, status="qualified")
    for name in ("Bob", HOSTILE, "Carl"):
        friend = _friend(person, name)
        _friend(friend, f"Friend of {name}")
    text = ConsentText.objects.create(campaign=campaign, version=2, text="I agree.")
    Consent.objects.create(participant=person, text=text, address="203.0.113.9")
    FormerCode.objects.create(code="ADA-OLD", participant=person, works=True)
    claim = {"way": "code", "value": "X", "reason": "already_referred"}
    RefusedClaim.objects.create(
        campaign=campaign, friend=person, advocate=first, detail="First wins.", **claim
    )
    make_event(participant=person)
    return person


def _friend(advocate: Participant, name: str) -> Participant:
    friend = make_participant(campaign=advocate.campaign, name=name)
    make_referral(advocate=advocate, friend=friend)
    return friend


def test_somebody_is_found_by_an_old_code_and_given_a_new_one(
    page: Page, ada: Participant
) -> None:
    page.goto(PEOPLE)
    page.get_by_role("searchbox").or_(page.locator("#searchbar")).first.fill("ada-old")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Ada Lovelace").click()
    expect(page.get_by_role("heading", name="Who referred whom")).to_be_visible()
    expect(page.get_by_role("list", name="From the first one")).to_contain_text(
        "Zoë First"
    )

    page.get_by_role("link", name="Choose a code").click()
    page.get_by_label("Code", exact=False).first.fill("ADA10")
    page.get_by_role("button", name="Choose a code").click()

    expect(page.get_by_text("1 participant given the chosen code.")).to_be_visible()
    ada.refresh_from_db()
    assert ada.code == "ADA10"


def test_two_rows_are_compared_and_merged(page: Page, ada: Participant) -> None:
    twin = make_participant(
        campaign=ada.campaign, name="A. Lovelace", email=None, external_id="c-twin"
    )
    Participant.objects.filter(pk=ada.pk).update(external_id=None)
    page.goto(f"{PEOPLE}{ada.pk}/change/")
    page.get_by_role("link", name="Merge").click()
    page.get_by_label("The other row").fill("c-twin")
    page.get_by_role("button", name="Merge").click()

    expect(page.get_by_role("heading", name="Are these one person?")).to_be_visible()
    expect(page.get_by_role("row", name="External id")).to_contain_text("c-twin")
    page.get_by_role("button", name="Merge them").click()

    expect(page.get_by_text("1 participant merged.")).to_be_visible()
    twin.refresh_from_db()
    assert twin.merged_into_id == ada.pk


def test_filters_combine(page: Page, ada: Participant) -> None:
    make_participant(campaign=ada.campaign, name="Nobody confirmed")
    page.goto(PEOPLE)
    page.get_by_text("Filters").first.click()
    page.locator("select[name=confirmed]").select_option("yes", force=True)
    page.locator("select[name=referred]").select_option("yes", force=True)
    page.get_by_role("button", name="Apply").first.click()

    expect(page.get_by_role("link", name="Ada Lovelace")).to_be_visible()
    expect(page.get_by_text("Nobody confirmed")).not_to_be_visible()


def test_a_campaign_is_found_by_typing(page: Page, ada: Participant) -> None:
    other = make_campaign(name="Spring")
    make_participant(campaign=other, name="Grace")
    page.goto(PEOPLE)
    page.get_by_text("Filters").first.click()
    page.locator(".select2-selection").first.click()
    page.locator(".select2-search__field").last.fill("Spr")
    page.get_by_role("option", name="Spring").click()
    page.get_by_role("button", name="Apply").first.click()

    expect(page.get_by_role("link", name="Grace")).to_be_visible()
    expect(page.get_by_role("link", name="Ada Lovelace")).not_to_be_visible()
    assert Campaign.objects.count() == 2


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_pages_are_accessible_and_fit(
    page: Page,
    ada: Participant,
    accessible: Accessible,
    width: str,
    scheme: str,
) -> None:
    look_as(page, width, scheme)
    look_over(
        page,
        accessible,
        PEOPLE,
        f"{PEOPLE}{ada.pk}/change/",
        f"{PEOPLE}{ada.pk}/choose-code/",
        f"{PEOPLE}{ada.pk}/merge/",
        f"{PEOPLE}{ada.pk}/erase/",
    )
