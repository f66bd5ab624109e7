"""How a credit came about, as staff see it on the page of a referral."""

import pytest
from playwright.sync_api import Page, expect

from referrals.models import Participant, Referral
from rewards.models import Reward
from tests.e2e.looks import Accessible, fits, look_as
from tests.factories import make_campaign, make_participant, make_reward
from tests.steps import DAY, NOON, enrol


@pytest.fixture
def referral() -> Referral:
    """Grace was there before Ada, who has the credit; Zoë claimed her, too."""
    campaign = make_campaign(name="Bring a friend", mode="live")

    def somebody(name: str, days: int) -> Participant:
        at = NOON - days * DAY
        return make_participant(campaign=campaign, name=name, created_at=at)

    friend = somebody("Grace", 9)
    for advocate in (somebody("Ada", 2), somebody("Zoë", 2)):
        enrol(campaign, external_id=friend.external_id, by_code=advocate.code)
    found = Referral.objects.get()
    make_reward(
        referral=found,
        status="flagged",
        reasons=[
            {
                "code": "doubtful_attribution",
                "detail": "The friend may have come without the advocate's doing.",
                "evidence": {m["code"]: m["detail"] for m in found.marks},
            }
        ],
    )
    return found


@pytest.mark.parametrize("where", ["referral", "reward"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_checks_and_refused_claims_are_on_the_page(
    page: Page,
    referral: Referral,
    accessible: Accessible,
    where: str,
    scheme: str,
) -> None:
    look_as(page, "wide", scheme)
    address = f"/admin/referrals/referral/{referral.pk}/change/"
    if where == "reward":
        reward = Reward.objects.get()
        address = f"/admin/rewards/flaggedreward/{reward.pk}/change/"
    page.goto(address)
    if where == "referral":
        page.get_by_role("button", name="Show all checks").click()
    else:
        page.locator("summary", has_text="checks of the credit").click()

    expect(page.get_by_text("friend before advocate").first).to_be_visible()
    expect(page.get_by_text("Nobody had referred them.").first).to_be_visible()
    expect(page.get_by_role("link", name="Zoë")).to_be_visible()
    if where == "reward":
        page.locator("summary", has_text="referred them first").click()
    expect(page.get_by_text("referred them first").last).to_be_visible()
    accessible(page)
    look_as(page, "narrow", scheme)
    assert fits(page)
    accessible(page)
