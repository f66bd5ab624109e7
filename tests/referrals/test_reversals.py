"""Taking an event back: whole or in part, before or after it, by whom."""

from datetime import timedelta
from decimal import Decimal

import pytest

from referral_factory.errors import InvalidInput
from referrals.models import Campaign, Event, Referral
from referrals.services.campaigns import change_campaign
from referrals.services.referrals import qualify_held_referrals, qualify_referral
from tests.factories import make_campaign, make_participant, make_rule
from tests.steps import DAY, NOON, checks, details, enrol, referred, refund, report


def status_of(referral: Referral) -> str:
    referral.refresh_from_db()
    return referral.status


def outcome_of(event: Event) -> str:
    event.refresh_from_db()
    return event.outcome


def holding() -> Campaign:
    return make_campaign(holding_days=14)


def test_whole_refund_disqualifies() -> None:
    referral = referred()
    order = report(referral.friend).event

    taken_back = refund(referral.friend, reverses=order.event_id)

    assert taken_back.outcome == "reversed"
    assert taken_back.event.referral == referral
    assert status_of(referral) == "disqualified"
    assert referral.disqualified_at == NOON
    assert taken_back.event.event_id in referral.reason


def test_whole_refund_while_holding_disqualifies() -> None:
    referral = referred(campaign=holding())
    order = report(referral.friend).event

    refund(referral.friend, reverses=order.event_id)

    assert status_of(referral) == "disqualified"


def test_part_that_leaves_enough_changes_nothing() -> None:
    referral = referred()
    order = report(referral.friend, "50").event

    taken_back = refund(referral.friend, "30", reverses=order.event_id)

    assert taken_back.outcome == "reversed"
    assert status_of(referral) == "qualified"
    assert "20.00 USD is left of it; the minimum is 20.00." in details(taken_back)


def test_part_that_leaves_too_little_disqualifies() -> None:
    referral = referred()
    order = report(referral.friend, "50").event

    refund(referral.friend, "30.01", reverses=order.event_id)

    assert status_of(referral) == "disqualified"


def test_part_that_leaves_too_little_while_holding_goes_back_to_pending() -> None:
    referral = referred(campaign=holding())
    order = report(referral.friend, "50").event

    refund(referral.friend, "30.01", reverses=order.event_id)

    assert status_of(referral) == "pending"
    assert referral.holds_until is None
    assert referral.milestone_event_id is None
    assert report(referral.friend).outcome == "holding"


def test_parts_add_up() -> None:
    referral = referred()
    order = report(referral.friend, "50").event

    refund(referral.friend, "20", reverses=order.event_id)
    assert status_of(referral) == "qualified"
    refund(referral.friend, "20", reverses=order.event_id)

    assert status_of(referral) == "disqualified"


def test_more_than_all_is_all() -> None:
    referral = referred(campaign=holding())
    order = report(referral.friend, "50").event

    taken_back = refund(referral.friend, "70", reverses=order.event_id)

    assert taken_back.outcome == "reversed"
    assert status_of(referral) == "disqualified"


def test_repeated_refund_counts_once() -> None:
    referral = referred()
    order = report(referral.friend, "50").event
    refund(referral.friend, "20", reverses=order.event_id, event_id="refund-1")

    again = refund(referral.friend, "20", reverses=order.event_id, event_id="refund-1")

    assert again.outcome == "duplicate"
    assert status_of(referral) == "qualified"


def test_any_name_takes_back_what_it_says_it_reverses() -> None:
    referral = referred()
    order = report(referral.friend).event

    taken_back = report(
        referral.friend, None, name="chargeback", reverses=order.event_id
    )

    assert taken_back.outcome == "reversed"
    assert status_of(referral) == "disqualified"


def test_reversing_name_alone_takes_back_what_settled_the_referral() -> None:
    referral = referred(campaign=make_campaign(reversal_events=["refund"]))
    order = report(referral.friend).event
    report(referral.friend, "10")  # another order, which does not count

    taken_back = refund(referral.friend)

    assert taken_back.outcome == "reversed"
    assert taken_back.event.reverses == order.event_id
    assert status_of(referral) == "disqualified"


def test_reversing_name_with_nothing_to_take_back_waits() -> None:
    referral = referred(campaign=make_campaign(reversal_events=["refund"]))

    taken_back = refund(referral.friend)

    assert taken_back.outcome == "unmatched"
    assert status_of(referral) == "pending"


@pytest.mark.parametrize("holding_days", [0, 14])
def test_reversing_name_before_its_order_takes_it_back_when_it_comes(
    holding_days: int,
) -> None:
    fields = {"reversal_events": ["refund"], "holding_days": holding_days}
    referral = referred(campaign=make_campaign(**fields))
    make_rule(campaign=referral.campaign)
    early = refund(referral.friend).event

    order = report(referral.friend, occurred_at=NOON - DAY / 2).event

    assert outcome_of(early) == "reversed"
    assert early.reverses == order.event_id
    assert early.decision["checks"][0]["detail"] == f"It takes back {order.event_id}."
    assert status_of(referral) == "disqualified"
    statuses = referral.rewards.values_list("status", flat=True)
    assert set(statuses) <= {"cancelled"}


def test_reversing_name_that_happened_before_the_order_takes_nothing_back() -> None:
    referral = referred(campaign=make_campaign(reversal_events=["refund"]))
    early = refund(referral.friend, occurred_at=NOON - DAY / 2).event

    assert report(referral.friend).outcome == "qualified"
    assert outcome_of(early) == "unmatched"
    assert status_of(referral) == "qualified"


def test_another_order_stands_in_for_what_a_waiting_refund_takes_back() -> None:
    campaign = make_campaign(reversal_events=["refund"], milestone_count=2)
    referral = referred(campaign=campaign)
    report(referral.friend)
    early = refund(referral.friend).event
    campaign = change_campaign(campaign, milestone_count=None)
    referral.friend.campaign = campaign

    report(referral.friend)

    assert outcome_of(early) == "reversed"
    assert status_of(referral) == "qualified"


def test_refunds_of_a_newcomer_are_judged_in_their_turn() -> None:
    campaign = make_campaign(reversal_events=["refund"])
    cid = {"external_id": "c-1"}
    refund(cid, campaign=campaign)
    for hours in (2, 1):
        at = NOON - timedelta(hours=hours)
        report(cid, campaign=campaign, occurred_at=at)

    referrer = make_participant(campaign=campaign)
    enrol(campaign, external_id="c-1", by_code=referrer.code)

    # Both orders had been made: the second stands in for the first.
    assert Referral.objects.get().status == "qualified"


def test_reversing_name_takes_nothing_from_what_a_person_qualified() -> None:
    referral = referred(campaign=make_campaign(reversal_events=["refund"]))
    qualify_referral(referral, now=NOON, reason="A good friend of ours.")

    refund(referral.friend)

    assert status_of(referral) == "qualified"


def test_refund_of_an_order_that_decided_nothing_moves_nothing() -> None:
    referral = referred()
    report(referral.friend)
    second = report(referral.friend).event

    taken_back = refund(referral.friend, reverses=second.event_id)

    assert taken_back.outcome == "reversed"
    assert checks(taken_back)["milestone_still_reached"] is True
    assert status_of(referral) == "qualified"


# --- The refund arrives first -------------------------------------------------------


def test_refund_before_its_order_waits_and_then_counts() -> None:
    referral = referred()
    early = refund(referral.friend, reverses="order-x")
    assert early.outcome == "unmatched"

    order = report(referral.friend, event_id="order-x")

    assert order.outcome == "not_matched"
    assert checks(order)["not_reversed"] is False
    assert status_of(referral) == "pending"
    assert outcome_of(early.event) == "reversed"


def test_part_before_its_order_is_taken_off_it() -> None:
    referral = referred()
    early = refund(referral.friend, "15", reverses="order-x")

    order = report(referral.friend, "30", event_id="order-x")

    assert order.outcome == "not_matched"
    assert "The amount is 15.00 USD" in details(order)
    assert outcome_of(early.event) == "reversed"


def test_harmless_part_before_its_order_qualifies_all_the_same() -> None:
    referral = referred()
    early = refund(referral.friend, "10", reverses="order-x")

    assert report(referral.friend, "30", event_id="order-x").outcome == "qualified"

    assert outcome_of(early.event) == "reversed"
    assert status_of(referral) == "qualified"


def test_refund_and_order_both_before_their_person_are_judged_together() -> None:
    campaign = make_campaign()
    name = {"external_id": "f-1"}
    early = refund(
        name, campaign=campaign, reverses="order-x", occurred_at=NOON - 2 * DAY
    )
    order = report(
        name, campaign=campaign, event_id="order-x", occurred_at=NOON - 3 * DAY
    )

    enrolment = enrol(
        campaign, external_id="f-1", by_code=make_participant(campaign=campaign).code
    )

    assert outcome_of(order.event) == "not_matched"
    assert outcome_of(early.event) == "reversed"
    assert enrolment.referral is not None
    assert status_of(enrolment.referral) == "pending"


def test_refund_whose_order_came_before_any_referral_still_counts_when_it_is_made() -> (
    None
):
    campaign = make_campaign()
    friend = enrol(campaign, external_id="f-1").participant
    order = report(friend)
    taken_back = refund(friend, reverses=order.event.event_id)
    assert (order.outcome, taken_back.outcome) == ("unmatched", "reversed")

    enrol(campaign, external_id="f-1", by_code=make_participant(campaign=campaign).code)

    assert outcome_of(order.event) == "not_matched"


def test_refund_first_says_the_same_as_order_first_without_a_referral() -> None:
    friend = enrol(make_campaign(), external_id="f-1").participant
    taken_back = refund(friend, reverses="order-x")

    report(friend, event_id="order-x")

    assert outcome_of(taken_back.event) == "reversed"


# --- Whose, and in what -------------------------------------------------------------


@pytest.mark.parametrize("order_comes", ["first", "last"])
def test_refund_by_somebody_else_takes_nothing_back(order_comes: str) -> None:
    referral = referred()
    other = make_participant(campaign=referral.campaign)

    if order_comes == "first":
        report(referral.friend, event_id="order-x")
    taken_back = refund(other, reverses="order-x").event
    if order_comes == "last":
        report(referral.friend, event_id="order-x")

    assert status_of(referral) == "qualified"
    assert outcome_of(taken_back) == "not_matched"


@pytest.mark.parametrize("order_comes", ["first", "last"])
def test_refund_in_another_currency_takes_nothing_back(order_comes: str) -> None:
    referral = referred()

    if order_comes == "first":
        report(referral.friend, event_id="order-x")
    taken_back = refund(referral.friend, "20", currency="EUR", reverses="order-x").event
    if order_comes == "last":
        report(referral.friend, event_id="order-x")

    assert status_of(referral) == "qualified"
    assert outcome_of(taken_back) == "not_matched"


@pytest.mark.parametrize("order_comes", ["first", "last"])
def test_refund_by_a_stranger_waits_for_them(order_comes: str) -> None:
    referral = referred()

    if order_comes == "first":
        report(referral.friend, event_id="order-x")
    taken_back = refund(
        {"email": "fred@shop.example"}, campaign=referral.campaign, reverses="order-x"
    ).event
    if order_comes == "last":
        report(referral.friend, event_id="order-x")

    assert outcome_of(taken_back) == "unmatched"
    assert status_of(referral) == "qualified"

    enrol(
        referral.campaign,
        external_id=referral.friend.external_id,
        email="fred@shop.example",
    )

    assert outcome_of(taken_back) == "reversed"
    assert status_of(referral) == "disqualified"


def test_refund_of_a_refund_brings_nothing_back() -> None:
    referral = referred()
    order = report(referral.friend).event
    first = refund(referral.friend, reverses=order.event_id).event

    second = refund(referral.friend, reverses=first.event_id)

    assert second.outcome == "reversed"
    assert checks(second)["reversed_event_counted"] is False
    assert status_of(referral) == "disqualified"


def test_nothing_takes_itself_back() -> None:
    with pytest.raises(InvalidInput) as refusal:
        refund(referred().friend, event_id="x", reverses="x")
    assert refusal.value.pointer == "/reverses"


# --- And the clock ------------------------------------------------------------------


def test_refund_in_the_last_second_of_holding_comes_in_time() -> None:
    referral = referred(campaign=holding())
    order = report(referral.friend).event

    refund(referral.friend, reverses=order.event_id, wall=NOON + 13 * DAY)

    assert qualify_held_referrals(wall=NOON + 14 * DAY) == 0
    assert status_of(referral) == "disqualified"


def test_refund_after_holding_finds_a_qualified_referral_before_the_sweep() -> None:
    referral = referred(campaign=holding())
    order = report(referral.friend, "50").event

    taken_back = refund(
        referral.friend, "40", reverses=order.event_id, wall=NOON + 15 * DAY
    )

    assert status_of(referral) == "disqualified"
    assert "reversal_policy" in checks(taken_back)


def test_explanation_of_an_order_stays_when_it_is_taken_back() -> None:
    referral = referred()
    order = report(referral.friend).event
    before = dict(order.decision)

    refund(referral.friend, reverses=order.event_id)

    order.refresh_from_db()
    assert order.decision == before
    assert order.outcome == "qualified"


def test_amounts_are_exact() -> None:
    referral = referred(campaign=make_campaign(milestone_minimum=Decimal("0.3")))
    order = report(referral.friend, "0.4").event

    refund(referral.friend, "0.1", reverses=order.event_id)

    assert status_of(referral) == "qualified"
