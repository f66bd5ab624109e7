"""What staff read about a referral, an event and a campaign's time."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from referrals.models import Campaign, MilestoneVersion, Referral
from referrals.templatetags.telling_words import linked
from tests.admin.conftest import Login
from tests.admin.pages import said
from tests.factories import (
    make_campaign,
    make_event,
    make_participant,
    make_referral,
    make_reward,
)

CAMPAIGNS = "/admin/referrals/campaign/"
REFERRALS = "/admin/referrals/referral/"
EVENTS = "/admin/referrals/event/"
DAY = timedelta(days=1)
CHECKS = [
    {"check": "event_is_milestone", "passed": True, "detail": "It is 'purchase'."},
    {"check": "amount_reached", "passed": False, "detail": "It is 12 USD."},
]


def test_the_page_of_a_referral_says_how_it_stands_first(boss: Client) -> None:
    referral = make_referral(
        status="disqualified", disqualified_at=timezone.now(), reason="Not genuine"
    )
    page = boss.get(f"{REFERRALS}{referral.pk}/change/").text
    assert "It does not count. Not genuine." in page
    assert page.index("It does not count.") < page.index("What happened")


def test_the_page_of_a_referral_says_what_time_will_do(boss: Client) -> None:
    referral = make_referral()
    page = boss.get(f"{REFERRALS}{referral.pk}/change/").text
    assert "It expires, unless the milestone is reached before." in page
    assert f"{referral.expires_at:%-d %b %Y, %H:%M} UTC" in page


def test_the_list_of_referrals_says_when_time_moves_each_on(boss: Client) -> None:
    holding = make_referral(status="holding", holds_until=timezone.now() + DAY)
    pending = make_referral()
    page = boss.get(REFERRALS).text
    assert holding.holds_until
    assert f'counts <time datetime="{holding.holds_until.isoformat()}"' in page
    assert f'expires <time datetime="{pending.expires_at.isoformat()}"' in page


def test_the_check_that_settled_an_event_is_in_sight_and_all_can_be_unfolded(
    boss: Client,
) -> None:
    event = make_event(outcome="not_matched", decision={"checks": CHECKS})
    page = boss.get(f"{EVENTS}{event.pk}/change/").text
    assert page.index("It is 12 USD.") < page.index("All 2 checks")
    assert page.index("All 2 checks") < page.index("It is &#x27;purchase&#x27;.")


def test_an_event_shows_the_rules_that_it_was_judged_by(boss: Client) -> None:
    event = make_event(rules_version=3, decision={"checks": CHECKS})
    terms = {
        "version": 3,
        "event_name": "order",
        "minimum_amount": "7.00",
        "currency": "USD",
        "count": 3,
        "within_days": 30,
        "holding_days": 14,
        "match_days": 7,
        "reversal_events": [],
    }
    MilestoneVersion.objects.create(
        campaign=event.campaign, version=3, terms=terms, made_by="user:ana"
    )
    page = boss.get(f"{EVENTS}{event.pk}/change/").text
    assert "as it was then (version 3)" in page
    assert (
        "3 times order of 7.00 USD or more, within 30 days; then held for 14 days."
        in page
    )


def test_the_list_of_events_says_why_and_by_which_road(boss: Client) -> None:
    make_event(outcome="not_matched", decision={"checks": CHECKS}, source="src_01hooks")
    page = boss.get(EVENTS).text
    assert "It is 12 USD." in page
    assert "the source src_01hooks" in page


@pytest.mark.parametrize(
    ("road", "expected"),
    [("sources", "src_1"), ("queues", "queue:orders"), ("imports", "imp_1")],
)
def test_events_are_found_by_their_road(boss: Client, road: str, expected: str) -> None:
    for source in ("api", "src_1", "queue:orders", "imp_1", ""):
        make_event(source=source)
    (found,) = boss.get(EVENTS, {"road": road}).context["cl"].result_list
    assert found.source == expected


def test_events_of_one_source_are_found_by_its_id(boss: Client) -> None:
    one = make_event(source="src_one")
    make_event(source="src_two")
    found = boss.get(EVENTS, {"q": "src_one"}).context["cl"].result_list
    assert list(found) == [one]


def test_the_list_of_the_unmatched_says_what_they_wait_for(boss: Client) -> None:
    make_event(campaign=make_campaign(), outcome="unmatched", person="external_id:c-17")
    page = boss.get(EVENTS, {"outcome__exact": "unmatched"}).text
    assert "These events wait for what they belong to." in page
    assert "external id c-17" in page
    assert "These events wait" not in boss.get(EVENTS).text


def test_the_home_page_counts_the_unmatched_for_who_may_see_them(
    boss: Client, login: Login
) -> None:
    make_event(campaign=make_campaign(), outcome="unmatched", person="external_id:c")
    assert "Unmatched events" in boss.get("/admin/").text
    assert (
        "Unmatched events"
        not in login("eve", "rewards.view_reward").get("/admin/").text
    )
    assert (
        "Unmatched events" in login("ida", "referrals.view_event").get("/admin/").text
    )


class TestClock:
    def move(self, boss: Client, campaign: Campaign, **form: str) -> str:
        address = f"{CAMPAIGNS}{campaign.pk}/clock/"
        page = boss.post(address, {"by": "", **form}, follow=True)
        return said(page) if page.redirect_chain else page.text

    @pytest.fixture
    def held(self) -> Referral:
        soon = timezone.now() + 5 * DAY
        campaign = make_campaign()
        make_referral(campaign=campaign, expires_at=soon)
        return make_referral(campaign=campaign, status="holding", holds_until=soon)

    def test_what_is_due_happens_when_the_clock_is_moved_on(
        self, boss: Client, held: Referral
    ) -> None:
        answer = self.move(boss, held.campaign, by="7")

        assert answer.endswith("UTC: 1 referral qualified, 1 expired.")
        held.refresh_from_db()
        held.campaign.refresh_from_db()
        assert held.status == "qualified"
        assert held.qualified_at == held.holds_until
        assert held.campaign.clock_offset >= 6 * DAY

    def test_the_clock_is_set_to_a_moment(self, boss: Client, held: Referral) -> None:
        to = timezone.now() + 2 * DAY
        day, time = f"{to:%Y-%m-%d}", f"{to:%H:%M:%S}"
        answer = self.move(boss, held.campaign, to_0=day, to_1=time)
        assert "0 referrals qualified, 0 expired" in answer

    def test_the_clock_of_what_was_launched_is_not_turned_back(
        self, boss: Client, held: Referral
    ) -> None:
        answer = self.move(boss, held.campaign, to_0="1997-01-01", to_1="00:00:00")
        assert "left as before" in answer

    def test_a_step_or_a_moment_is_asked_for(
        self, boss: Client, held: Referral
    ) -> None:
        assert "Say when, or choose a step above." in self.move(boss, held.campaign)
        held.campaign.refresh_from_db()
        assert held.campaign.clock_offset == timedelta()

    def test_a_moment_goes_before_the_step(self, boss: Client, held: Referral) -> None:
        self.move(boss, held.campaign, by="1", to_0="2040-01-01", to_1="00:00:00")
        held.campaign.refresh_from_db()
        assert f"{held.campaign.now():%Y-%m-%d}" == "2040-01-01"

    def test_live_campaigns_have_no_clock_to_move(self, boss: Client) -> None:
        live = make_campaign(mode="live")
        assert "Move its clock" not in boss.get(f"{CAMPAIGNS}{live.pk}/change/").text
        assert "left as before" in self.move(boss, live, by="7")

    def test_the_page_of_a_campaign_says_what_is_due_next(
        self, boss: Client, held: Referral
    ) -> None:
        page = boss.get(f"{CAMPAIGNS}{held.campaign.pk}/change/").text
        assert "The first holding period ends" in page
        assert "The first pending referral expires" in page


def test_a_reward_tells_its_story_in_the_same_words(boss: Client) -> None:
    reward = make_reward(status="issued")
    page = boss.get(f"/admin/rewards/reward/{reward.pk}/change/").text
    assert "The reward of 10.00 USD to the advocate was issued." in page


def test_a_person_in_a_story_is_named_beside_it(boss: Client) -> None:
    ada = make_participant(name="Ada")
    referral = make_referral(advocate=ada)
    page = boss.get(f"{REFERRALS}{referral.pk}/change/").text
    assert "The advocate was enrolled." in page
    assert "Ada" in page


def test_ids_in_a_sentence_lead_to_their_pages_and_the_rest_is_text() -> None:
    ada = make_participant()
    page = f"/admin/referrals/participant/{ada.public_id}/change/"
    assert linked(f"<b>{ada.public_id}</b> & ptc_none.") == (
        f'&lt;b&gt;<a href="{page}">{ada.public_id}</a>&lt;/b&gt; &amp; ptc_none.'
    )
