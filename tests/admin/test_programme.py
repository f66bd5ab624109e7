from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from referrals.models import Campaign, Referral
from rewards.models import Reward, RewardRule, RewardRuleVersion
from tests.admin.conftest import Login
from tests.admin.pages import said, use, use_on_several
from tests.factories import (
    make_campaign,
    make_endpoint,
    make_event,
    make_participant,
    make_referral,
    make_reward,
    make_rule,
)
from tests.steps import enrol

CAMPAIGNS = "/admin/referrals/campaign/"
PARTICIPANTS = "/admin/referrals/participant/"
REFERRALS = "/admin/referrals/referral/"
EVENTS = "/admin/referrals/event/"
RULES = "/admin/rewards/rewardrule/"

FORM = {
    "name": "Bring a friend",
    "slug": "bring-a-friend",
    "mode": "test",
    "owner": "ops@example.com",
    "currency": "usd",
    "landing_url": "https://shop.example/",
    "milestone_event": "purchase",
    "milestone_minimum": "20",
    "milestone_within_days": "90",
    "holding_days": "14",
    "attribution_days": "30",
    "match_days": "7",
    "reversal_events": "refund, chargeback",
    "reversal_policy": "take_back",
    "amount_limit": "50.00",
    "two_people_above": "",
}


def test_a_campaign_is_made_on_a_form(boss: Client) -> None:
    boss.post(f"{CAMPAIGNS}add/", FORM)

    campaign = Campaign.objects.get(slug="bring-a-friend")
    assert campaign.status == "draft"
    assert campaign.currency == "USD"
    assert campaign.milestone_minimum == Decimal(20)
    assert campaign.reversal_events == ["refund", "chargeback"]
    assert campaign.review == {"amount_limit": "50.00"}


def test_changing_a_rule_of_a_campaign_is_a_new_version(boss: Client) -> None:
    campaign = make_campaign(status="draft", version=1)

    boss.post(
        f"{CAMPAIGNS}{campaign.pk}/change/",
        {**FORM, "slug": campaign.slug, "holding_days": "7"},
    )

    campaign.refresh_from_db()
    assert (campaign.holding_days, campaign.version) == (7, 2)


def test_the_currency_of_a_launched_campaign_is_not_in_the_form(boss: Client) -> None:
    campaign = make_campaign(status="live")

    boss.post(
        f"{CAMPAIGNS}{campaign.pk}/change/",
        {**FORM, "slug": campaign.slug, "currency": "EUR"},
    )

    campaign.refresh_from_db()
    assert (campaign.name, campaign.currency) == ("Bring a friend", "USD")


def test_launching_too_early_says_what_is_missing(boss: Client) -> None:
    campaign = make_campaign(status="draft", launched_at=None, owner="")

    response = use(boss, "launch", campaign, CAMPAIGNS)

    campaign.refresh_from_db()
    assert campaign.status == "draft"
    assert "Not ready to launch: owner" in said(response)


def test_a_campaign_is_launched_paused_resumed_and_ended(boss: Client) -> None:
    campaign = make_campaign(status="draft", launched_at=None)
    make_rule(campaign=campaign)
    make_endpoint(mode="test")

    for verb, status in [
        ("launch", "live"),
        ("pause", "paused"),
        ("resume", "live"),
        ("end", "ended"),
    ]:
        use(boss, verb, campaign, CAMPAIGNS)
        campaign.refresh_from_db()
        assert campaign.status == status


def test_a_reward_rule_is_added_and_changed_through_its_service(boss: Client) -> None:
    campaign = make_campaign()

    boss.post(
        f"{RULES}add/", {"campaign": campaign.pk, "side": "friend", "amount": "12"}
    )
    rule = RewardRule.objects.get()
    boss.post(f"{RULES}{rule.pk}/change/", {"amount": "15.00"})

    rule.refresh_from_db()
    assert (rule.side, rule.amount, rule.currency) == ("friend", Decimal(15), "USD")
    versions = RewardRuleVersion.objects.filter(rule=rule).order_by("version")
    assert [v.terms["amount"] for v in versions] == ["12", "15.00"]
    assert {v.made_by for v in versions} == {"user:boss"}


def test_participants_are_blocked_and_unblocked(boss: Client) -> None:
    people = [make_participant() for _ in range(2)]

    use_on_several(boss, "block", people, PARTICIPANTS)
    use(boss, "unblock", people[0], PARTICIPANTS)

    for person in people:
        person.refresh_from_db()
    assert [person.status for person in people] == ["active", "blocked"]


@pytest.mark.parametrize(
    "term", ["ada.l", "Ada.L@Example.com", "c-4", "{code}", "{id}"]
)
def test_participants_are_found_by_what_one_knows(boss: Client, term: str) -> None:
    make_participant(external_id="d-1")
    ada = make_participant(email="ada.l@example.com", external_id="c-4711")
    term = term.format(code=ada.code.lower(), id=ada.public_id)

    found = boss.get(PARTICIPANTS, {"q": term}).context["cl"].result_list

    assert [row.pk for row in found] == [ada.pk]


def test_a_referral_is_disqualified_with_a_reason(boss: Client) -> None:
    reward = make_reward(status="approved")

    use(
        boss,
        "disqualify",
        reward.referral,
        REFERRALS,
        reason="The purchase was not genuine",
    )

    reward.refresh_from_db()
    reward.referral.refresh_from_db()
    assert reward.referral.status == "disqualified"
    assert reward.referral.reason == "The purchase was not genuine"
    assert reward.referral.decided_by == "user:boss"
    assert reward.status == "cancelled"


def test_whoever_may_only_look_cannot_disqualify(login: Login) -> None:
    referral = make_referral()
    looker = login("lea", "referrals.view_referral")

    page = use(looker, "disqualify", referral, REFERRALS, reason="Other", note="x")

    referral.refresh_from_db()
    assert page.status_code == 403
    assert referral.status == "pending"


def test_the_page_of_a_referral_explains_its_events(boss: Client) -> None:
    referral = make_referral()
    checks = [{"check": "amount_reached", "passed": False, "detail": "It is 12 USD."}]
    event = make_event(
        participant=referral.friend, referral=referral, decision={"checks": checks}
    )

    for address in (
        f"{REFERRALS}{referral.pk}/change/",
        f"{EVENTS}{event.pk}/change/",
    ):
        page = boss.get(address).text
        assert "Is the amount large enough?" in page
        assert "It is 12 USD." in page


HOSTILE = "<script>alert(1)</script>"


def test_a_name_that_is_a_script_is_only_text(boss: Client) -> None:
    campaign = make_campaign(name=HOSTILE)
    ada = make_participant(campaign=campaign, name=HOSTILE, user_agent=HOSTILE)
    referral = make_referral(advocate=ada, status="qualified", click_user_agent=HOSTILE)
    reward = make_reward(referral=referral, status="flagged")
    make_event(participant=referral.friend, referral=referral, name=HOSTILE)
    queue = "/admin/rewards/flaggedreward/"

    for address in (
        queue,
        f"{queue}{reward.pk}/change/",
        f"{queue}{reward.pk}/reject/",
        f"{CAMPAIGNS}{campaign.pk}/change/",
        f"{PARTICIPANTS}{ada.pk}/change/",
        f"{REFERRALS}{referral.pk}/change/",
        EVENTS,
    ):
        page = boss.get(address).text
        assert HOSTILE not in page, address
        assert "&lt;script&gt;" in page, address
    after = use(boss, "approve", reward).text
    assert HOSTILE not in after


def test_the_page_of_a_referral_shows_how_its_credit_came_about(boss: Client) -> None:
    friend = make_participant()
    ann = make_participant(campaign=friend.campaign, name="Ann")
    bob = make_participant(campaign=friend.campaign, name="Bob")
    for advocate in (ann, bob):
        enrol(
            friend.campaign,
            external_id=friend.external_id,
            by_code=advocate.code,
            wall=timezone.now(),
        )
    referral = Referral.objects.get()
    make_reward(referral=referral, status="flagged")

    for address in (
        f"{REFERRALS}{referral.pk}/change/",
        f"/admin/rewards/flaggedreward/{Reward.objects.get().pk}/change/",
    ):
        page = boss.get(address).text
        assert "friend before advocate" in page
        assert "The friend was enrolled on" in page
        assert "Are they two people?" in page
        assert "already referred" in page
        assert "Bob" in page


def test_referrals_in_doubt_are_found_by_a_filter(boss: Client) -> None:
    mark = {"code": "click_after_enrolment", "detail": "They clicked late."}
    marked, other = make_referral(marks=[mark]), make_referral()

    for value, expected in {"yes": [marked], "no": [other]}.items():
        page = boss.get(REFERRALS, {"marked": value})
        assert list(page.context["cl"].result_list) == expected
