"""Random histories of one campaign, in the product and in the model side by side."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.model.comparing import differences, told_by_model, told_by_product
from tests.model.product import ADVOCATE, SIDES, Product, Rows
from tests.model.world import CLOCKS_DIFFER, CONDITIONS, Rules, Said, World

FRIENDS = ("fay", "flo")
IDS = range(40)
NOTHING_HAPPENED = ("duplicate", "in_the_future")
# What a person may do with a referral, and from which statuses.
DECIDES = {
    "disqualify": ("pending", "holding", "qualified"),
    "qualify": ("pending", "holding"),
    "reopen": ("disqualified",),
}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SECOND = timedelta(seconds=1)
AMOUNTS = [Decimal(text) for text in ("10", "20", "30", "40", "60", "100.50")]


def often(usual: Any, *seldom: Any) -> st.SearchStrategy[Any]:
    """Three times out of four as usual."""
    return st.sampled_from([usual] * 3 * len(seldom) + list(seldom))


friends = st.sampled_from(FRIENDS)
sides = st.sampled_from(sorted(SIDES))
money = st.sampled_from([*AMOUNTS, None])
# Days apart from each other as windows are, so that events fall on their very edges.
moments = often(
    None,
    -HOUR,
    -DAY,
    -3 * DAY,
    -7 * DAY,
    -7 * DAY - SECOND,
    -30 * DAY,
    -400 * DAY,
    CLOCKS_DIFFER,
    CLOCKS_DIFFER + SECOND,
)
steps_of_time = st.sampled_from([HOUR, HOUR, DAY, DAY, 3 * DAY, 7 * DAY, 14 * DAY])
progress = st.sampled_from(
    [
        {"count": None, "sum": None},
        {"count": 2, "sum": None},
        {"count": 3, "sum": None},
        {"count": None, "sum": Decimal(50)},
        {"count": None, "sum": Decimal("100.50")},
    ]
)
changes = st.fixed_dictionaries(
    {},
    optional={
        "event": often("purchase", "deposit"),
        "minimum": st.sampled_from([None, None, Decimal(20)]),
        "condition": often("", *list(CONDITIONS)[1:]),
        "within_days": st.sampled_from([7, 30]),
        "holding_days": st.sampled_from([0, 3, 3, 14]),
        "match_days": st.sampled_from([0, 7]),
        "reversals": often(("refund",), ("refund", "chargeback"), ()),
        "policy": st.sampled_from(["take_back", "ask", "keep"]),
    },
)


@st.composite
def sayings(draw: st.DrawFn) -> Said:
    """An order, or what takes one back; of few ids, so that they meet often.

    Orders of one id are mostly of one person, and so is what takes them back.
    """
    number = draw(st.sampled_from(IDS))
    back = draw(st.sampled_from([False, False, True]))
    target = draw(st.sampled_from(IDS)) if back else number
    who = draw(often(FRIENDS[target % len(FRIENDS)], *FRIENDS, ADVOCATE))
    name = draw(often("purchase", "deposit", "chargeback"))
    return Said(
        id=f"e{number}",
        name=draw(often("refund", "chargeback", "purchase")) if back else name,
        who=who,
        amount=draw(money),
        currency=draw(often("USD", "EUR")),
        at=draw(moments),
        plan=draw(st.sampled_from(["", "pro", "pro", "basic"])),
        reverses=draw(often(f"e{target}", "")) if back and target != number else "",
    )


# Reported after anything else that happens: no history is without events.
few = st.lists(sayings(), min_size=1, max_size=4)


class History(RuleBasedStateMachine):
    """Whatever happens, in whatever order: the product says what the model says."""

    def __init__(self) -> None:
        super().__init__()
        self.undone = transaction.atomic()
        self.undone.__enter__()
        self.decisions: dict[str, Any] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undone.__exit__(None, None, None)

    @initialize(
        changed=changes,
        reached=progress,
        known=st.lists(often("refer", "enrol", "later"), min_size=2, max_size=2),
    )
    def begin(
        self, changed: dict[str, Any], reached: dict[str, Any], known: list[str]
    ) -> None:
        """Most friends are there from the beginning, referred."""
        rules = Rules(**changed, **reached)
        self.product = Product(rules)
        self.model = World(rules, self.product.now(), SIDES)
        self.model.enrol(ADVOCATE)
        for who, arrives in zip(FRIENDS, known, strict=True):
            if arrives != "later":
                getattr(self, arrives)(who, None)

    # --- People ---------------------------------------------------------------------

    @rule(
        who=friends,
        arrives=often("refer", "enrol"),
        clicked=st.sampled_from([None, None, HOUR, 3 * DAY]),
        then=few,
    )
    def arrive(
        self, who: str, arrives: str, clicked: timedelta | None, then: list[Said]
    ) -> None:
        getattr(self, arrives)(who, clicked)
        self._report(then)

    def enrol(self, who: str, clicked: timedelta | None) -> None:
        self.product.enrol(who)
        self.model.enrol(who)

    def refer(self, who: str, clicked: timedelta | None) -> None:
        self.product.refer(who, clicked)
        self.model.refer(who, clicked)

    # --- Events ---------------------------------------------------------------------

    @rule(said=st.lists(sayings(), min_size=5, max_size=12), parts=st.integers(1, 12))
    def report(self, said: list[Said], parts: int) -> None:
        """All at once, or in calls of `parts` each."""
        for at in range(0, len(said), parts):
            self._report(said[at : at + parts])

    @rule(said=st.lists(sayings(), min_size=2, max_size=8))
    def try_and_report(self, said: list[Said]) -> None:
        """A dry run says what then happens, and does nothing."""
        before = self.product.read()
        foreseen = self.product.preview(said)
        assert self.product.read() == before
        same(_by_place(self._report(said)), _by_place(foreseen))

    def _report(self, said: Sequence[Said]) -> list[str]:
        """Each answer says how its event stands when the call is over."""
        found = self.product.report(said)
        answers = [self.model.report(each) for each in said]
        expected = [
            answer if answer in NOTHING_HAPPENED else self.model.events[each.id].outcome
            for each, answer in zip(said, answers, strict=True)
        ]
        same(_by_place(found), _by_place(expected))
        return found

    @rule(number=st.sampled_from(IDS), amount=money, named=often(True, False), then=few)
    def refund(
        self, number: int, amount: Decimal | None, named: bool, then: list[Said]
    ) -> None:
        """Take back, whole or in part, one of those that count."""
        counting = [each for each in self.model.events.values() if each.counts]
        if counting:
            order = counting[number % len(counting)].said
            key = f"r{len(self.model.events)}"
            back = order.id if named else ""
            said = Said(key, "refund", order.who, amount, reverses=back)
            then = [said, *then]
        self._report(then)

    # --- Time and rules -------------------------------------------------------------

    @rule(how_long=steps_of_time, settle=st.booleans(), then=few)
    def pass_time(self, how_long: timedelta, settle: bool, then: list[Said]) -> None:
        """Whether or not a sweep comes by."""
        self.product.pass_time(how_long, settle=settle)
        self.model.pass_time(how_long)
        self.stands_as_the_model_says()
        self._report(then)

    @rule(changed=changes, reached=progress, then=few)
    def change_rules(
        self, changed: dict[str, Any], reached: dict[str, Any], then: list[Said]
    ) -> None:
        self.model.change_rules(**changed, **reached)
        self.product.change_rules(self.model.rules)
        self._report(then)

    # --- People's decisions ---------------------------------------------------------

    @rule(who=friends, verb=st.sampled_from(sorted(DECIDES)), then=few)
    def decide(self, who: str, verb: str, then: list[Said]) -> None:
        referral = self.model.referrals.get(who)
        if referral and referral.status in DECIDES[verb]:
            self._decide(verb, who)
        self._report(then)

    def _decide(self, verb: str, who: str) -> None:
        self.product.settle()
        getattr(self.product, verb)(who)
        getattr(self.model, verb)(who)

    # --- Rewards --------------------------------------------------------------------

    @rule(who=friends, side=sides, no=st.booleans(), then=few)
    def hand_over(self, who: str, side: str, no: bool, then: list[Said]) -> None:
        """What is approved is issued; what is flagged gets its yes or no."""
        self.product.settle()
        self.product.review()
        self.model.review()
        referral = self.model.referrals.get(who)
        reward = referral and referral.rewards.get(side)
        if reward and reward.status == "approved":
            self.product.issue(who, side)
            reward.status = "issued"
        elif reward and reward.status == "flagged":
            verb = self.product.reject if no else self.product.approve
            verb(who, side)
            reward.status = "rejected" if no else "approved"
        self._report(then)

    # --- What always holds ----------------------------------------------------------

    @invariant()
    def stands_as_the_model_says(self) -> None:
        rows = self.product.read()
        same(told_by_product(rows), told_by_model(self.model, rows))
        self._decisions_stay(rows)

    def _decisions_stay(self, rows: Rows) -> None:
        """What is decided once stays decided, and says why."""
        for row in rows.events:
            key, decision = row["event_id"], row["decision"]
            assert decision["checks"], key
            if row["outcome"] != "unmatched":
                assert self.decisions.setdefault(key, decision) == decision, key


def same(product: Any, model: Any) -> None:
    found = differences(product, model)
    assert not found, "\n" + "\n".join(found)


def _by_place(outcomes: Sequence[str]) -> dict[int, str]:
    return dict(enumerate(outcomes))


def run_histories(number: int) -> None:
    """Ten histories, the same in every run; each number has others.

    Ten, for with more Hypothesis begins to vary those that it had.
    """
    run_state_machine_as_test(
        seed(number)(type("SeededHistory", (History,), {})),
        settings=settings(
            max_examples=10,
            stateful_step_count=14,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
