"""One event after the other, on nothing but values: what each does to its referral."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from referrals.facts import EventFacts, Milestone, ReferralFacts
from referrals.ledger import Case, Entry, Ledger
from tests.steps import DAY, NOON

RULES = Milestone(
    event_name="purchase",
    minimum=Decimal(20),
    currency="USD",
    within=90 * DAY,
    holding=timedelta(),
    match=7 * DAY,
    reversal_events=("refund",),
    version=1,
)
HOLDING = replace(RULES, holding=14 * DAY)
THIRD_ORDER = replace(RULES, count=3)
FIVE_HUNDRED = replace(RULES, minimum=None, sum=Decimal(500))


class Shop:
    """A friend's events, one call each, judged by some rules."""

    def __init__(self, rules: Milestone = RULES, **referral: Any) -> None:
        self.ledger = Ledger(rules)
        facts = ReferralFacts("pending", NOON - DAY, NOON + 89 * DAY)
        self.case = Case("ref", "friend", replace(facts, **referral))
        self.ledger.open(self.case)

    def order(self, key: str, amount: str | None = "20", **said: Any) -> Entry:
        return self._report(key, "purchase", amount, **said)

    def refund(self, key: str, amount: str | None = None, **said: Any) -> Entry:
        return self._report(key, "refund", amount, **said)

    def _report(
        self,
        key: str,
        name: str,
        amount: str | None,
        *,
        now: datetime = NOON,
        occurred_at: datetime | None = None,
        person: str | None = "friend",
        currency: str = "USD",
        reverses: str = "",
    ) -> Entry:
        facts = EventFacts(
            name,
            None if amount is None else Decimal(amount),
            currency if amount is not None else "",
            occurred_at or now,
            event_id=key,
        )
        entry = Entry(key, facts, person, reverses)
        self.ledger.judge(entry, now)
        return entry

    @property
    def status(self) -> str:
        return self.case.referral.status

    @property
    def walked(self) -> list[str]:
        return [move.to_status for move in self.case.moves]


def said(entry: Entry) -> dict[str, str]:
    return {check.check: check.detail for check in entry.checks}


# --- How many, how much -------------------------------------------------------------


def test_third_order_qualifies_and_the_first_two_count() -> None:
    shop = Shop(THIRD_ORDER)

    orders = [shop.order(f"o-{n}") for n in range(4)]

    assert [order.outcome for order in orders] == [
        "counted",
        "counted",
        "qualified",
        "recorded",
    ]
    assert all(order.counts for order in orders)
    assert said(orders[1])["count_reached"] == "2 of 3"
    assert shop.case.milestone is orders[2]


def test_order_that_is_too_small_is_none_of_three() -> None:
    shop = Shop(THIRD_ORDER)
    outcomes = [shop.order(f"o-{n}", "19").outcome for n in range(3)]
    assert outcomes == ["not_matched"] * 3
    assert shop.status == "pending"


def test_deposits_add_up() -> None:
    shop = Shop(FIVE_HUNDRED)

    assert shop.order("d-1", "120").outcome == "counted"
    last = shop.order("d-2", "380")

    assert last.outcome == "qualified"
    assert said(last)["sum_reached"] == "500.00 of 500.00 USD"


def test_deposit_in_another_currency_adds_nothing() -> None:
    shop = Shop(FIVE_HUNDRED)
    assert shop.order("d-1", "600", currency="EUR").outcome == "not_matched"
    assert shop.status == "pending"


def test_refund_makes_progress_smaller() -> None:
    shop = Shop(FIVE_HUNDRED)
    shop.order("d-1", "400")
    shop.refund("r-1", "150", reverses="d-1")

    assert shop.order("d-2", "200").outcome == "counted"
    assert shop.order("d-3", "50").outcome == "qualified"


def test_wholly_refunded_deposit_adds_nothing_any_more() -> None:
    shop = Shop(FIVE_HUNDRED)
    shop.order("d-1", "400")
    shop.refund("r-1", reverses="d-1")

    assert said(shop.order("d-2", "200"))["sum_reached"] == "200.00 of 500.00 USD"


def test_wholly_refunded_order_is_none_of_three_any_more() -> None:
    shop = Shop(THIRD_ORDER)
    first = shop.order("o-1")
    shop.refund("r-1", reverses="o-1")

    assert not first.counts
    assert first.outcome == "counted"  # what was decided then
    assert [shop.order(f"o-{n}").outcome for n in (2, 3, 4)] == [
        "counted",
        "counted",
        "qualified",
    ]


# --- The clock ----------------------------------------------------------------------


def test_holding_period_runs_from_the_report() -> None:
    shop = Shop(HOLDING)

    order = shop.order("o-1", occurred_at=NOON - DAY)

    assert order.outcome == "holding"
    assert shop.case.holds_until == NOON + 14 * DAY
    assert said(order)["holding_period"] == "Held until 2026-03-15 12:00 UTC."


def test_clock_decides_before_an_event_does() -> None:
    shop = Shop(HOLDING)
    shop.order("o-1")

    shop.order("o-2", now=NOON + 20 * DAY)

    assert shop.walked == ["holding", "qualified"]
    assert shop.case.moves[-1].at == NOON + 14 * DAY


def test_what_is_held_counts_from_the_very_end_of_its_period() -> None:
    shop = Shop(HOLDING)
    shop.order("o-1")

    shop.refund("r-1", reverses="o-1", now=NOON + 14 * DAY)

    assert shop.walked == ["holding", "qualified", "disqualified"]


def test_what_is_reported_after_expiry_does_not_count() -> None:
    shop = Shop(expires_at=NOON)

    late = shop.order("o-1", now=NOON, occurred_at=NOON - DAY)

    assert late.outcome == "not_matched"
    assert said(late)["referral_is_pending"] == "The referral is expired."
    assert shop.walked == ["expired"]


# --- Taking back --------------------------------------------------------------------


@pytest.mark.parametrize("rules", [RULES, HOLDING])
def test_another_order_stands_in_for_the_refunded_one(rules: Milestone) -> None:
    shop = Shop(rules)
    shop.order("o-1")
    shop.order("o-2")
    before = shop.status

    refund = shop.refund("r-1", reverses="o-1")

    assert shop.status == before
    assert said(refund)["milestone_still_reached"] == "o-2 stands in for it."
    shop.refund("r-2", reverses="o-2")
    assert shop.status == "disqualified"


def test_part_while_holding_goes_back_to_pending() -> None:
    shop = Shop(HOLDING)
    shop.order("o-1", "30")

    shop.refund("r-1", "15", reverses="o-1")

    assert shop.status == "pending"
    assert shop.case.milestone is None
    assert shop.case.moves[-1].reason == "Partly reversed by r-1."


def test_all_while_holding_disqualifies() -> None:
    shop = Shop(HOLDING)
    shop.order("o-1")
    shop.refund("r-1", reverses="o-1")
    assert shop.status == "disqualified"


def test_its_whole_amount_is_all_of_an_order() -> None:
    shop = Shop(replace(RULES, minimum=None))
    order = shop.order("o-1", "30")

    shop.refund("r-1", "30", reverses="o-1")

    assert not order.counts
    assert shop.status == "disqualified"


def test_all_of_one_of_three_while_holding_goes_back_to_pending() -> None:
    shop = Shop(replace(THIRD_ORDER, holding=14 * DAY))
    for n in range(3):
        shop.order(f"o-{n}")

    shop.refund("r-1", reverses="o-0")

    assert shop.walked == ["holding", "pending"]
    assert shop.order("o-4").outcome == "holding"


@pytest.mark.parametrize(
    ("policy", "status", "asks"),
    [
        ("take_back", "disqualified", False),
        ("ask", "qualified", True),
        ("keep", "qualified", False),
    ],
)
def test_policy_says_what_becomes_of_what_qualified(
    policy: str, status: str, asks: bool
) -> None:
    shop = Shop(replace(RULES, reversal_policy=policy))
    shop.order("o-1")

    refund = shop.refund("r-1", reverses="o-1")

    assert refund.outcome == "reversed"
    assert shop.status == status
    assert shop.case.moves[-1].asks == asks
    assert "reversal_policy" in said(refund)


def test_what_was_kept_is_not_asked_about_again() -> None:
    shop = Shop(replace(RULES, reversal_policy="ask"))
    shop.order("o-1", "30")
    shop.refund("r-1", "15", reverses="o-1")
    moves = len(shop.case.moves)

    shop.refund("r-2", "15", reverses="o-1")

    assert len(shop.case.moves) == moves


def test_milestone_is_judged_by_the_rules_that_it_was_reached_by() -> None:
    shop = Shop(RULES)
    shop.order("o-1", "30")
    shop.ledger.versions[1] = RULES
    shop.ledger.rules = replace(RULES, version=2, minimum=Decimal(1000))

    shop.refund("r-1", "5", reverses="o-1")

    assert shop.status == "qualified"
    shop.refund("r-2", "6", reverses="o-1")
    assert shop.status == "disqualified"


def test_first_order_reaches_it_still_though_three_are_asked_for_now() -> None:
    shop = Shop(RULES)
    shop.order("o-1")
    shop.order("o-2")
    shop.ledger.versions[1] = RULES
    shop.ledger.rules = replace(THIRD_ORDER, version=2)

    shop.refund("r-1", reverses="o-2")

    assert shop.status == "qualified"


def test_what_is_taken_back_of_an_order_never_makes_it_count() -> None:
    shop = Shop(replace(RULES, minimum=None, condition="event.amount < 100.0"))
    order = shop.order("o-1", "150")

    shop.refund("r-1", "60", reverses="o-1")

    assert not order.counts
    assert shop.status == "pending"


def test_part_of_an_order_without_an_amount_takes_nothing_back() -> None:
    shop = Shop(replace(RULES, minimum=None))
    shop.order("o-1", None)

    refund = shop.refund("r-1", "5", reverses="o-1")

    assert refund.outcome == "not_matched"
    assert "amount_known" in said(refund)
    assert shop.status == "qualified"
    assert shop.refund("r-2", reverses="o-1").outcome == "reversed"
    assert shop.status == "disqualified"


def test_order_of_a_referral_left_behind_is_none_of_three() -> None:
    shop = Shop(THIRD_ORDER)
    order = replace(shop.order("o-1"), event_id="o-0", referral="left behind")
    shop.ledger.enter(order)

    assert said(shop.order("o-2"))["count_reached"] == "2 of 3"


def test_order_of_a_referral_left_behind_says_nothing_of_the_other() -> None:
    shop = Shop()
    order = replace(shop.order("o-1"), event_id="o-0", referral="left behind")
    shop.ledger.enter(order)

    refund = shop.refund("r-1", reverses="o-0")

    assert not order.counts
    assert "milestone_still_reached" not in said(refund)


def test_reversing_name_alone_takes_back_what_reached_the_milestone() -> None:
    shop = Shop(THIRD_ORDER)
    for n in range(3):
        shop.order(f"o-{n}")

    refund = shop.refund("r-1")

    assert refund.reverses == "o-2"
    assert shop.status == "disqualified"


def test_refund_before_its_order_waits_and_then_counts() -> None:
    shop = Shop()
    refund = shop.refund("r-1", "15", reverses="o-1")
    assert refund.outcome == "unmatched"

    order = shop.order("o-1", "30")

    assert (order.outcome, refund.outcome) == ("not_matched", "reversed")
    assert said(order)["amount_reached"].startswith("The amount is 15.00 USD")


def test_part_after_all_of_an_order_leaves_nothing_of_it() -> None:
    shop = Shop()
    shop.refund("r-1", reverses="o-1")
    shop.refund("r-2", "5", reverses="o-1")

    assert shop.order("o-1", "30").outcome == "not_matched"


def test_refund_that_was_decided_is_not_judged_again() -> None:
    shop = Shop()
    order = shop.order("o-1", "30")
    shop.refund("r-1", "5", reverses="o-1")

    shop.ledger.judge_waiting(order, NOON)

    assert "r-1" not in shop.ledger.touched


def test_refund_of_somebody_else_is_decided_when_its_order_comes() -> None:
    shop = Shop()
    refund = shop.refund("r-1", reverses="o-1", person="somebody")

    assert shop.order("o-1").outcome == "qualified"
    assert refund.outcome == "not_matched"


def test_refund_that_names_nothing_waits_for_the_milestone_and_takes_it_back() -> None:
    shop = Shop()
    late = {"now": NOON + DAY}
    before = shop.refund("r-0", occurred_at=NOON - 2 * DAY)
    refund = shop.refund("r-1", "15", **late)
    assert (before.outcome, refund.outcome) == ("unmatched", "unmatched")

    order = shop.order("o-1", "30", occurred_at=NOON, **late)

    assert (order.outcome, refund.outcome) == ("qualified", "reversed")
    assert refund.reverses == "o-1"
    assert before.outcome == "unmatched"
    assert shop.walked == ["qualified", "disqualified"]


def test_refunds_that_name_nothing_are_taken_in_the_order_they_happened_in() -> None:
    shop = Shop(HOLDING)
    second = shop.refund("r-2", "5", occurred_at=NOON + timedelta(minutes=2))
    first = shop.refund("r-1", "11", occurred_at=NOON + timedelta(minutes=1))

    shop.order("o-1", "30")

    assert (first.outcome, second.outcome) == ("reversed", "unmatched")
    assert shop.walked == ["holding", "pending"]  # 19 is left: there is none to reach
    assert shop.order("o-2", "30").outcome == "holding"
    assert second.reverses == "o-2"
    assert shop.status == "holding"


# --- Who is not known ---------------------------------------------------------------


def test_milestone_of_a_stranger_waits_and_other_news_does_not() -> None:
    ledger = Ledger(RULES)
    order = Entry("o-1", EventFacts("purchase", Decimal(20), "USD", NOON), None)
    visit = Entry("v-1", EventFacts("visit", None, "", NOON), None)

    ledger.judge(order, NOON)
    ledger.judge(visit, NOON)

    assert (order.outcome, visit.outcome) == ("unmatched", "recorded")


def test_disqualified_is_final_for_rules() -> None:
    shop = Shop(status="disqualified")
    assert shop.order("o-1").outcome == "not_matched"
    assert shop.walked == []
