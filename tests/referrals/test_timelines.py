"""The story of a referral: when, what, why, and who decided."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from referrals.models import Event, Referral, ReferralChange
from referrals.services.campaigns import change_campaign
from referrals.services.referrals import disqualify_referral
from referrals.timelines import MANY, timeline_of
from rewards.models import Reward
from tests.api.callers import caller
from tests.factories import (
    make_campaign,
    make_event,
    make_key,
    make_participant,
    make_refused_claim,
    make_reward,
    make_rule,
)
from tests.steps import DAY, NOON, enrol, refund, report


@pytest.fixture
def referral() -> Referral:
    """Fred came by Ann's code."""
    campaign = make_campaign(launched_at=NOON - 9 * DAY)
    ann = make_participant(campaign=campaign, created_at=NOON - 2 * DAY)
    make_rule(campaign=campaign)
    enrol(campaign, external_id="fred", by_code=ann.code, wall=NOON)
    return Referral.objects.get()


def kinds(referral: Referral) -> list[str]:
    return [entry.kind for entry in told(referral).entries]


def told(referral: Referral) -> Any:
    return timeline_of(Referral.objects.get(pk=referral.pk))


def moved(referral: Referral, to: str, event: Event | None = None) -> ReferralChange:
    return ReferralChange.objects.create(
        referral=referral,
        from_status="pending",
        to_status=to,
        decided_by="rules",
        event=event,
        at=NOON,
    )


def test_a_story_begins_with_who_was_enrolled_and_credited(referral: Referral) -> None:
    assert kinds(referral) == ["enrolled", "enrolled", "credited"]
    credited = told(referral).entries[-1]
    assert credited.what == "The friend was credited to the advocate: by their code."
    assert credited.checks[0]["check"] == "leads_to_an_advocate"


def test_an_event_says_what_became_of_it_and_the_reason(referral: Referral) -> None:
    report(referral.friend, "5", event_id="o-1")
    (event,) = [each for each in told(referral).entries if each.kind == "event"]
    assert event.what == "purchase o-1 (5.00 USD) does not count."
    assert event.why == "The amount is 5.00 USD; the minimum is 20.00."
    assert event.deciding["check"] == "amount_reached"
    assert event.who == "the API"


def test_what_an_event_brought_about_comes_right_after_it(referral: Referral) -> None:
    first, second = (
        make_event(participant=referral.friend, received_at=NOON, occurred_at=NOON)
        for _ in range(2)
    )
    moved(referral, "qualified", first)
    entries = told(referral).entries
    assert [each.about for each in entries[-3:]] == [first, referral, second]
    assert entries[-2].because == first


def test_a_move_by_hand_says_who_and_why(referral: Referral) -> None:
    change = moved(referral, "disqualified")
    change.decided_by, change.reason = "user:ana", "Not genuine"
    change.save()
    last = told(referral).entries[-1]
    assert last.what == "A person made the referral not count."
    assert (last.who, last.why) == ("ana", "Not genuine")


def test_an_event_that_we_heard_of_late_says_when_it_happened(
    referral: Referral,
) -> None:
    report(referral.friend, "25", occurred_at=NOON - DAY)
    (event,) = [each for each in told(referral).entries if each.kind == "event"]
    assert (event.at, event.happened_at) == (NOON, NOON - DAY)


def test_rewards_are_part_of_the_story_as_far_as_it_is_kept(referral: Referral) -> None:
    make_reward(referral=referral, status="issued", reference="payout 7")
    steps = [each for each in told(referral).entries if each.kind.startswith("reward")]
    assert {each.kind for each in steps} == {
        "reward_granted",
        "reward_decided",
        "reward_issued",
    }
    issued = next(each for each in steps if each.kind == "reward_issued")
    assert issued.what == ("The reward of 10.00 USD to the advocate was issued.")
    assert (issued.who, issued.why) == ("ops", "payout 7")


def test_refused_claims_and_clicks_are_told(referral: Referral) -> None:
    make_refused_claim(friend=referral.friend, created_at=NOON + DAY)
    Referral.objects.update(clicked_at=NOON - timedelta(hours=1))
    assert kinds(referral) == [
        "enrolled",
        "clicked",
        "enrolled",
        "credited",
        "claim_refused",
    ]


@pytest.mark.parametrize(
    ("status", "dates", "what"),
    [
        ("pending", {}, "It expires, unless the milestone is reached before."),
        (
            "holding",
            {"holds_until": NOON + DAY},
            "It counts from then on, unless something takes it back before.",
        ),
    ],
)
def test_a_story_says_what_time_will_do(
    referral: Referral, status: str, dates: dict[str, Any], what: str
) -> None:
    Referral.objects.update(status=status, **dates)
    ahead = told(referral).ahead
    assert ahead.what == what
    assert ahead.at == dates.get("holds_until", referral.expires_at)


def test_time_does_nothing_to_what_is_settled(referral: Referral) -> None:
    Referral.objects.update(status="qualified", qualified_at=NOON)
    assert told(referral).ahead is None


def test_a_move_from_before_moves_were_kept_is_told_from_the_row(
    referral: Referral,
) -> None:
    disqualify_referral(referral, now=NOON + DAY, reason="Not genuine", by="user:ana")
    ReferralChange.objects.all().delete()
    last = [each for each in told(referral).entries if each.kind == "moved"][-1]
    assert (last.at, last.why, last.who) == (NOON + DAY, "Not genuine", "ana")


def test_a_long_story_says_that_it_leaves_something_out(referral: Referral) -> None:
    for _ in range(MANY):
        make_event(participant=referral.friend)
    assert told(referral).left_out
    assert len(told(referral).entries) == 3 + MANY


def test_a_story_costs_the_same_however_long_it_is(referral: Referral) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            told(referral)
        return len(captured)

    make_event(participant=referral.friend)
    with_one = queries()
    for _ in range(20):
        moved(referral, "qualified", make_event(participant=referral.friend))
        make_reward(referral=referral, campaign=referral.campaign)
    assert queries() == with_one


class TestOverTheApi:
    @pytest.fixture
    def api(self) -> APIClient:
        return caller(make_key())

    def read(self, api: APIClient, referral: Referral) -> Any:
        answer = api.get(f"/api/v1/referrals/{referral.public_id}/timeline")
        assert answer.status_code == 200, answer.json()
        return answer.json()

    def test_the_story_is_told_in_the_same_words(
        self, api: APIClient, referral: Referral
    ) -> None:
        event = report(referral.friend, "5").event
        found = self.read(api, referral)

        assert found["referral"] == referral.public_id
        assert found["summary"] == "It waits for the friend to reach the milestone."
        assert found["next"]["summary"].startswith("It expires")
        last = found["entries"][-1]
        assert (last["kind"], last["about"]) == ("event", event.public_id)
        assert last["summary"].endswith("does not count.")
        assert last["explanation"][-1] == {
            "check": "amount_reached",
            "passed": False,
            "detail": "The amount is 5.00 USD; the minimum is 20.00.",
            "question": "Is the amount large enough?",
        }

    def test_the_story_outlives_the_rules_byte_for_byte(
        self, api: APIClient, referral: Referral
    ) -> None:
        report(referral.friend, "5")
        report(referral.friend, "25", event_id="o-1")
        refund(referral.friend, reverses="o-1")
        address = f"/api/v1/referrals/{referral.public_id}/timeline"
        before = api.get(address).content

        change_campaign(referral.campaign, milestone_minimum=1, match_days=90)

        assert api.get(address).content == before

    def test_no_name_of_a_person_is_in_a_story(
        self, api: APIClient, referral: Referral
    ) -> None:
        report(referral.friend, "25")
        text = str(self.read(api, referral))
        for person in (referral.advocate, referral.friend):
            assert (person.email or "no mailbox") not in text
        assert "fred" not in text
        assert Reward.objects.exists()

    def test_what_a_condition_read_is_told_with_its_check(
        self, api: APIClient, referral: Referral
    ) -> None:
        change_campaign(referral.campaign, milestone_condition="event.amount > 30.0")
        report(referral.friend, "25")
        checks = self.read(api, referral)["entries"][-1]["explanation"]
        asked = {check["check"]: check for check in checks}
        assert asked["condition"]["question"] == "Is the condition true?"
        assert asked["condition"]["saw"]
        assert "saw" not in asked["amount_reached"]
