"""What a customer's system reports: judged once, and explained for ever."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from referral_factory.errors import InvalidInput
from referral_factory.ids import to_public
from referrals.models import Campaign, Event, Participant
from referrals.services.campaigns import CampaignNotOpen, change_campaign
from referrals.services.participants import change_participant
from referrals.services.referrals import expire_referrals, qualify_held_referrals
from tests.factories import NOBODY, make_campaign, make_participant
from tests.steps import DAY, NOON, checks, details, enrol, referred, report
from webhooks.models import Message

SECOND = timedelta(seconds=1)


def told(kind: str) -> int:
    return Message.objects.filter(type=kind).count()


def test_first_event_qualifies_the_referral() -> None:
    referral = referred()

    recorded = report(referral.friend)

    referral.refresh_from_db()
    assert recorded.outcome == "qualified"
    assert recorded.event.referral == referral
    assert referral.status == "qualified"
    assert referral.qualified_at == NOON
    assert referral.milestone_event_id == recorded.event.pk
    assert told("referral.qualified") == 1


def test_repeating_an_event_changes_nothing_and_finds_what_was_decided() -> None:
    referral = referred()
    first = report(referral.friend, event_id="order-1")

    again = report(referral.friend, event_id="order-1", wall=NOON + DAY)

    assert again.repeated
    assert again.outcome == "duplicate"
    assert again.event == first.event
    assert again.event.decision == first.event.decision
    assert again.event.referral == referral
    assert Event.objects.count() == 1
    assert told("referral.qualified") == 1


def test_same_event_id_with_another_body_changes_nothing() -> None:
    referral, other = referred(), referred()
    campaign = referral.campaign
    report(referral.friend, "10", event_id="order-1")

    again = report(
        {"external_id": "nobody"},
        "500",
        campaign=campaign,
        event_id="order-1",
        name="login",
    )

    stored = Event.objects.get(campaign=campaign)
    assert again.repeated
    assert stored.amount == 10
    assert stored.name == "purchase"
    assert stored.participant == referral.friend
    assert other.status == "pending"


def test_event_ids_of_two_campaigns_do_not_meet() -> None:
    report(referred().friend, event_id="order-1")
    assert not report(referred().friend, event_id="order-1").repeated


@pytest.mark.parametrize(
    ("fields", "outcome", "question"),
    [
        ({"amount": "19.99"}, "not_matched", "amount_reached"),
        ({"currency": "EUR"}, "not_matched", "currency_matches"),
        ({"name": "login"}, "recorded", "event_is_milestone"),
        ({"occurred_at": NOON - 9 * DAY}, "not_matched", "within_window"),
    ],
)
def test_event_that_does_not_count_says_why_and_moves_nothing(
    fields: dict[str, Any], outcome: str, question: str
) -> None:
    referral = referred()

    recorded = report(referral.friend, **fields)

    referral.refresh_from_db()
    assert recorded.outcome == outcome
    assert [name for name, passed in checks(recorded).items() if not passed] == [
        question
    ]
    assert referral.status == "pending"


def test_event_shortly_before_its_referral_counts() -> None:
    referral = referred()
    recorded = report(referral.friend, occurred_at=referral.created_at - 7 * DAY)
    assert recorded.outcome == "qualified"


def test_event_after_the_window_is_kept_and_does_not_count() -> None:
    referral = referred(expires_at=NOON)

    recorded = report(referral.friend)

    referral.refresh_from_db()
    assert referral.status == "expired"
    assert recorded.outcome == "not_matched"
    assert "The referral is expired." in details(recorded)
    assert told("referral.expired") == 1


def test_second_event_of_a_qualified_referral_is_recorded() -> None:
    referral = referred()
    first = report(referral.friend)

    second = report(referral.friend)

    referral.refresh_from_db()
    assert second.outcome == "recorded"
    assert referral.milestone_event_id == first.event.pk


def test_event_in_the_future_is_refused() -> None:
    referral = referred()
    with pytest.raises(InvalidInput) as refusal:
        report(referral.friend, occurred_at=NOON + timedelta(minutes=5) + SECOND)
    assert (refusal.value.pointer, refusal.value.code) == (
        "/occurred_at",
        "in_the_future",
    )
    assert not Event.objects.exists()


def test_clocks_may_differ_by_five_minutes() -> None:
    recorded = report(referred().friend, occurred_at=NOON + timedelta(minutes=5))
    assert recorded.outcome == "qualified"


def test_event_without_a_time_happened_now() -> None:
    assert report(referred().friend).event.occurred_at == NOON


def test_event_is_judged_by_the_campaigns_clock() -> None:
    campaign = make_campaign(clock_offset=-365 * DAY)
    referral = referred(
        campaign=campaign, created_at=NOON - 366 * DAY, expires_at=NOON - 300 * DAY
    )

    report(referral.friend)

    referral.refresh_from_db()
    assert referral.qualified_at == NOON - 365 * DAY


def test_draft_takes_no_events() -> None:
    with pytest.raises(CampaignNotOpen):
        report({"external_id": "c"}, campaign=make_campaign(status="draft"))
    assert not Event.objects.exists()


@pytest.mark.parametrize("status", ["paused", "ended"])
def test_paused_and_ended_campaigns_still_judge(status: str) -> None:
    referral = referred(campaign=make_campaign(status=status, ended_at=NOON))
    assert report(referral.friend).outcome == "qualified"


@pytest.mark.parametrize("kind", ["id", "external_id", "email", "code"])
def test_person_is_found_by_each_name(kind: str) -> None:
    referral = referred()
    friend = referral.friend
    names = {
        "id": friend.public_id,
        "external_id": str(friend.external_id),
        "email": str(friend.email).upper(),
        "code": friend.code.lower(),
    }

    recorded = report({kind: names[kind]}, campaign=referral.campaign)

    assert recorded.event.participant == friend
    assert recorded.outcome == "qualified"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("id", to_public("ptc", NOBODY)),
        ("id", "c-17"),
        ("id", to_public("cmp", NOBODY)),
        ("code", "NOBODY"),
        ("email", "nobody"),
    ],
)
def test_name_that_nobody_can_ever_have_is_refused(kind: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        report({kind: value}, campaign=make_campaign())
    assert refusal.value.pointer == f"/participant/{kind}"
    assert not Event.objects.exists()


# --- Before its person, before its referral -----------------------------------------


@pytest.mark.parametrize(
    "name", [{"external_id": "f-1"}, {"email": "Fred@shop.example"}]
)
def test_event_before_its_person_is_judged_when_they_arrive(
    name: dict[str, str],
) -> None:
    campaign = make_campaign()
    ann = make_participant(campaign=campaign)

    early = report(name, campaign=campaign)
    assert early.outcome == "unmatched"
    assert told("event.unmatched") == 1

    enrolment = enrol(
        campaign, external_id="f-1", email="fred@shop.example", by_code=ann.code
    )

    event = Event.objects.get()
    assert event.outcome == "qualified"
    assert event.participant == enrolment.participant
    assert event.referral == enrolment.referral
    assert event.person == ""
    assert told("event.unmatched") == 1


def test_event_before_its_referral_is_judged_when_it_is_made() -> None:
    campaign = make_campaign()
    enrol(campaign, external_id="f-1")
    early = report({"external_id": "f-1"}, campaign=campaign)
    assert early.outcome == "unmatched"
    assert checks(early) == {
        "event_is_milestone": True,
        "participant_known": True,
        "referral_known": False,
    }

    enrol(
        campaign,
        external_id="f-1",
        by_code=make_participant(campaign=campaign).code,
        wall=NOON + DAY,
    )

    event = Event.objects.get()
    assert event.outcome == "qualified"


def test_event_under_a_second_name_is_judged_when_the_name_is_known() -> None:
    referral = referred()
    report({"email": "fred@shop.example"}, campaign=referral.campaign)

    change_participant(referral.friend, {"email": "fred@shop.example"}, wall=NOON)

    assert Event.objects.get().outcome == "qualified"


def test_early_events_are_judged_in_the_order_that_they_happened() -> None:
    campaign = make_campaign()
    name = {"external_id": "f-1"}
    late = report(name, campaign=campaign)
    early = report(name, campaign=campaign, occurred_at=NOON - DAY)

    enrol(campaign, external_id="f-1", by_code=make_participant(campaign=campaign).code)

    outcomes = dict(Event.objects.values_list("event_id", "outcome"))
    assert outcomes == {
        early.event.event_id: "qualified",
        late.event.event_id: "recorded",
    }


def test_event_too_early_for_its_referral_does_not_count_when_it_is_made() -> None:
    campaign = make_campaign(match_days=7)
    report({"external_id": "f-1"}, campaign=campaign, occurred_at=NOON - 8 * DAY)

    enrol(campaign, external_id="f-1", by_code=make_participant(campaign=campaign).code)

    assert Event.objects.get().outcome == "not_matched"


# --- Holding ------------------------------------------------------------------------


def test_holding_period_delays_the_qualification() -> None:
    referral = referred(campaign=make_campaign(holding_days=14))

    recorded = report(referral.friend)

    referral.refresh_from_db()
    assert recorded.outcome == "holding"
    assert referral.status == "holding"
    assert referral.holds_until == NOON + 14 * DAY
    assert told("referral.holding") == 1


def test_sweep_ends_the_holding_period_to_the_second() -> None:
    referral = referred(campaign=make_campaign(holding_days=14))
    report(referral.friend)

    assert qualify_held_referrals(wall=NOON + 14 * DAY - SECOND) == 0
    assert qualify_held_referrals(wall=NOON + 14 * DAY) == 1
    assert qualify_held_referrals(wall=NOON + 14 * DAY) == 0

    referral.refresh_from_db()
    assert referral.status == "qualified"
    assert referral.qualified_at == NOON + 14 * DAY


def test_event_finds_what_the_clock_says_before_the_sweep_came_by() -> None:
    referral = referred(campaign=make_campaign(holding_days=14))
    report(referral.friend)

    later = report(referral.friend, wall=NOON + 20 * DAY)

    referral.refresh_from_db()
    assert later.outcome == "recorded"
    assert referral.status == "qualified"
    assert referral.qualified_at == NOON + 14 * DAY  # when it was over, not when seen


def test_window_does_not_run_out_while_holding() -> None:
    referral = referred(
        campaign=make_campaign(holding_days=14), expires_at=NOON + 5 * DAY
    )
    report(referral.friend)

    assert expire_referrals(wall=NOON + 10 * DAY) == 0
    assert qualify_held_referrals(wall=NOON + 14 * DAY) == 1


# --- Explanations -------------------------------------------------------------------


def as_stored(event: Event) -> bytes:
    event.refresh_from_db()
    return json.dumps(event.decision).encode()


def test_explanation_stays_as_it_was_when_the_rules_change() -> None:
    referral = referred()
    event = report(referral.friend, "25").event
    before = as_stored(event)

    change_campaign(
        referral.campaign, milestone_event="subscription", milestone_minimum=500
    )
    report(referral.friend, "25")
    again = report(referral.friend, "25", event_id=event.event_id)

    assert as_stored(event) == before
    assert again.event.decision == event.decision
    assert event.rules_version == 1
    assert Campaign.objects.get().version == 2


def test_explanation_names_each_question_and_what_it_saw() -> None:
    recorded = report(referred().friend, "25")

    assert list(checks(recorded)) == [
        "event_is_milestone",
        "participant_known",
        "referral_known",
        "referral_is_pending",
        "within_window",
        "after_the_click",
        "not_reversed",
        "currency_matches",
        "amount_reached",
        "condition",
    ]
    assert "The amount is 25.00 USD; the minimum is 20.00." in details(recorded)


def test_minimum_of_zero_is_a_minimum() -> None:
    referral = referred(campaign=make_campaign(milestone_minimum=Decimal(0)))
    assert report(referral.friend, "0").outcome == "qualified"


def test_blocked_friend_may_still_be_reported_about() -> None:
    referral = referred()
    Participant.objects.filter(pk=referral.friend_id).update(status="blocked")
    assert report(referral.friend).outcome == "qualified"
