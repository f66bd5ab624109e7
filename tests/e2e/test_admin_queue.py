"""The review queue, as somebody who works through it sees it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from rewards.models import Reward
from tests.e2e.looks import LOOKS, Accessible, look_as, look_over
from tests.factories import (
    make_campaign,
    make_event,
    make_participant,
    make_referral,
    make_reward,
    make_rule,
)

QUEUE = "/admin/rewards/flaggedreward/"
HOSTILE = "<script>throw new Error('it ran')</script>"
CHECKS = [{"check": "amount_reached", "passed": True, "detail": "It is 30 USD."}]
REASON = {
    "code": "same_address_and_agent",
    "detail": "Advocate and friend came from one address with the same browser.",
    "evidence": {"address": "203.0.113.9", "user_agent": "Firefox"},
}


@pytest.fixture
def rewards() -> list[Reward]:
    """Four in the queue, of one campaign; the first one is by somebody hostile."""
    campaign = make_campaign(name="Bring a friend", mode="live")
    rule = make_rule(campaign=campaign)
    return [_flagged(campaign, rule, name) for name in (HOSTILE, "Ada", "Grace", "Zoë")]


def _flagged(campaign: object, rule: object, name: str) -> Reward:
    advocate = make_participant(campaign=campaign, name=name, address="203.0.113.9")
    referral = make_referral(
        advocate=advocate, status="qualified", click_address="203.0.113.9"
    )
    make_event(
        participant=referral.friend,
        referral=referral,
        outcome="qualified",
        decision={"checks": CHECKS},
    )
    return make_reward(
        referral=referral,
        rule=rule,
        status="flagged",
        reasons=[REASON],
        decided_by="",
        decided_at=None,
    )


def statuses(rewards: list[Reward]) -> list[str]:
    known = dict(Reward.objects.values_list("pk", "status"))
    return [known[reward.pk] for reward in rewards]


def test_looking_at_the_evidence_and_rejecting_with_a_reason(
    page: Page, rewards: list[Reward]
) -> None:
    page.goto("/admin/")
    page.get_by_role("link", name="Review queue 4", exact=False).first.click()
    page.get_by_role("link", name="$10.00").first.click()

    expect(page.get_by_text("came from one address with the same")).to_be_visible()
    expect(page.get_by_text("It is 30 USD.").first).to_be_visible()
    expect(page.get_by_role("row", name="Clicked from (same)")).to_contain_text(
        "203.0.113.9"
    )

    page.locator("summary", has_text="Reject").click()
    page.get_by_label("Reason").select_option("The purchase was not genuine")
    page.get_by_role("button", name="Reject").click()

    expect(page.get_by_text("1 reward rejected.")).to_be_visible()
    expect(page).to_have_url(f"{QUEUE}{rewards[1].pk}/change/")
    assert statuses(rewards) == ["rejected", "flagged", "flagged", "flagged"]


def test_approving_several_after_a_page_that_asks(
    page: Page, rewards: list[Reward], accessible: Callable[[Page], None]
) -> None:
    page.goto(QUEUE)
    for box in page.locator("#result_list tbody input.action-select").all()[:3]:
        box.check()
    accessible(page)
    page.get_by_label("Select action to run").select_option(label="Approve…")
    page.get_by_role("button", name="Run").click()

    expect(page.get_by_text("3 selected, together $30.00")).to_be_visible()
    accessible(page)
    page.get_by_role("button", name="Approve 3").click()

    expect(page.get_by_text("3 rewards approved.")).to_be_visible()
    assert statuses(rewards) == ["approved", "approved", "approved", "flagged"]


def test_working_through_the_queue_by_keys(page: Page, rewards: list[Reward]) -> None:
    page.goto(QUEUE)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Keys of the review queue")
    page.keyboard.press("Escape")

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page).to_have_url(f"{QUEUE}{rewards[1].pk}/change/")
    page.keyboard.press("j")
    expect(page).to_have_url(f"{QUEUE}{rewards[2].pk}/change/")
    page.keyboard.press("k")
    expect(page).to_have_url(f"{QUEUE}{rewards[1].pk}/change/")
    page.keyboard.press("a")
    assert statuses(rewards) == ["flagged"] * 4
    page.keyboard.press("Enter")

    expect(page.get_by_text("1 reward approved.")).to_be_visible()
    expect(page).to_have_url(f"{QUEUE}{rewards[2].pk}/change/")
    page.keyboard.press("r")
    expect(page.get_by_label("Reason")).to_be_focused()


def test_rejecting_a_marked_one_from_the_list_by_keys(
    page: Page, rewards: list[Reward]
) -> None:
    page.goto(QUEUE)
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("r")

    expect(page.get_by_label("Reason")).to_be_visible()
    page.get_by_label("Reason").select_option("Other")
    page.get_by_label("Note").fill("Known to us")
    page.get_by_role("button", name="Reject 1").click()

    expect(page.get_by_text("1 reward rejected.")).to_be_visible()
    assert statuses(rewards) == ["rejected", "flagged", "flagged", "flagged"]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_pages_are_accessible_and_fit(
    page: Page,
    rewards: list[Reward],
    accessible: Accessible,
    width: str,
    scheme: str,
) -> None:
    look_as(page, width, scheme)
    first = rewards[0]
    look_over(
        page,
        accessible,
        "/admin/",
        QUEUE,
        f"{QUEUE}{first.pk}/change/",
        f"{QUEUE}{first.pk}/reject/",
        f"/admin/referrals/campaign/{first.campaign_id}/change/",
        f"/admin/referrals/participant/{first.recipient_id}/change/",
    )
