"""What happens in one campaign says nothing in another."""

from decimal import Decimal

import pytest

from referrals.models import Event, FormerCode
from tests.factories import make_campaign, make_participant
from tests.referrals.reports import order, outcomes, record
from tests.steps import enrol, referred


def refunded_there(amount: str | None) -> None:
    """In another campaign there is an order of the same id, and its refund."""
    friend = referred().friend
    back = {"name": "refund", "reverses": "o-1"}
    record(friend.campaign, order("o-1", friend, "30"))
    record(friend.campaign, order("r-1", friend, amount, **back))


def test_refund_in_another_campaign_leaves_an_order_here_alone() -> None:
    refunded_there(None)
    friend = referred().friend

    answers = record(friend.campaign, order("o-1", friend, "30"))

    assert outcomes(answers) == ["qualified"]


def test_refund_in_another_campaign_leaves_what_counts_here_alone() -> None:
    refunded_there("10")
    friend = referred(campaign=make_campaign(milestone_sum=Decimal(50))).friend
    record(friend.campaign, order("o-1", friend, "30"))

    answers = record(friend.campaign, order("o-2", friend, "20"))

    assert outcomes(answers) == ["qualified"]


def test_who_arrives_in_another_campaign_is_a_stranger_here() -> None:
    here, there = make_campaign(), make_campaign()
    record(here, order("o-1", {"external_id": "c-1"}))

    enrol(there, external_id="c-1")

    assert Event.objects.get().participant is None


@pytest.mark.parametrize(("here", "works"), [(False, True), (True, False)])
def test_former_code_is_of_nobody_in_another_campaign_or_once_it_is_void(
    here: bool, works: bool
) -> None:
    owner = make_participant()
    FormerCode.objects.create(code="OLD", participant=owner, works=works)
    campaign = owner.campaign if here else make_campaign()

    answers = record(campaign, order("o-1", {"code": "OLD"}))

    assert outcomes(answers) == ["unknown"]


def test_code_of_another_campaign_is_of_nobody_here() -> None:
    answers = record(make_campaign(), order("o-1", {"code": make_participant().code}))
    assert outcomes(answers) == ["unknown"]
