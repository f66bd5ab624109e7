"""Deciding who gets the credit is pure: from traced claims to a credit, or refusals."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from referrals.attribution import (
    ORDER,
    OUTRIGHT,
    QUESTIONS,
    REFUSALS,
    Attribution,
    Claim,
    ExistingReferral,
    FriendFacts,
    Rules,
    Trace,
    Way,
    attribute,
)
from referrals.models import Campaign, Click, Invitation, Participant
from tests.steps import DAY, NOON

CAMPAIGN = Campaign(name="Spring")
RULES = Rules(window=30 * DAY)


def person(**fields: Any) -> Participant:
    defaults = {"campaign": CAMPAIGN, "created_at": NOON - 5 * DAY}
    return Participant(**{**defaults, **fields})


def click(at: Any = NOON - DAY) -> Click:
    return Click(campaign_id=CAMPAIGN.pk, created_at=at)


ANN = person(name="Ann")
BOB = person(name="Bob")
FRED = person(name="Fred", created_at=NOON)
NEW = FriendFacts(FRED, is_new=True)
KNOWN = FriendFacts(person(name="Fred"), is_new=False)


def claim(way: str = "code", advocate: Participant | None = ANN, **facts: Any) -> Trace:
    """A claim that leads to Ann, by a click of yesterday where its way has one."""
    proved = facts.pop("proved", True)
    if way in {"click", "cookie"} and advocate:
        facts.setdefault("click", click())
    if way == "invitation":
        facts.setdefault("invitation", Invitation(created_at=NOON - DAY))
    return Trace(Claim(Way(way), "given", proved), advocate, **facts)


def judged(
    *claims: Trace,
    friend: FriendFacts = NEW,
    existing: ExistingReferral | None = None,
    rules: Rules = RULES,
) -> Attribution:
    return attribute(claims, friend, existing, rules, NOON)


def outcomes(found: Attribution) -> list[tuple[str, str]]:
    return [(each.trace.claim.way.value, each.outcome) for each in found.verdicts]


def winner(found: Attribution) -> Participant | None:
    return found.credit.advocate if found.credit else None


# --- The order ---------------------------------------------------------------------


def test_order_is_the_one_that_is_written_down() -> None:
    assert [way.value for way in ORDER] == [
        "participant",
        "external_id",
        "email",
        "click",
        "code",
        "invitation",
        "cookie",
    ]


@pytest.mark.parametrize("way", ORDER)
def test_every_way_alone_is_credited(way: Way) -> None:
    found = judged(claim(way))
    assert outcomes(found) == [(way, "credited")]
    assert winner(found) == ANN


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [(a, b) for n, a in enumerate(ORDER) for b in ORDER[n + 1 :]],
)
def test_stronger_way_wins_and_the_weaker_is_refused(
    stronger: Way, weaker: Way
) -> None:
    found = judged(claim(weaker, BOB), claim(stronger, ANN))
    assert winner(found) == ANN
    assert outcomes(found) == [(stronger, "credited"), (weaker, "stronger_claim")]
    assert found.refusals[0].detail == (
        f"A stronger claim, by {stronger}, was credited."
    )


def test_weaker_claim_wins_where_the_stronger_is_refused() -> None:
    old = claim("click", ANN, click=click(NOON - 31 * DAY))
    found = judged(old, claim("code", None), claim("cookie", BOB))
    assert winner(found) == BOB
    assert outcomes(found) == [
        ("click", "link_too_old"),
        ("code", "unknown"),
        ("cookie", "credited"),
    ]


def test_weaker_claim_of_the_same_advocate_agrees() -> None:
    old = claim("cookie", click=click(NOON - 31 * DAY))
    found = judged(claim("code"), old)
    assert outcomes(found) == [("code", "credited"), ("cookie", "agreed")]
    assert not found.refusals


def test_nothing_claimed_is_nothing_credited() -> None:
    assert judged() == Attribution(())


# --- What is refused ---------------------------------------------------------------


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "unknown",
        {"claim": claim(advocate=None)},
        "No advocate of this campaign has this code.",
    ),
    (
        "unknown",
        {"claim": claim("cookie", None)},
        "The cookie tells of no click on a link of this campaign.",
    ),
    (
        "self_referral",
        {"claim": claim(advocate=FRED)},
        "Nobody can refer themselves.",
    ),
    (
        "already_referred",
        {"existing": ExistingReferral("ref_1", BOB)},
        f"{BOB.public_id} referred them first: ref_1.",
    ),
    (
        "campaign_not_open",
        {"rules": replace(RULES, open=False)},
        "The campaign takes no new referrals.",
    ),
    (
        "participant_blocked",
        {"claim": claim(advocate=person(id=ANN.pk, status="blocked"))},
        f"{ANN.public_id} is blocked.",
    ),
    (
        "participant_blocked",
        {"claim": claim(advocate=person(id=ANN.pk, status="erased"))},
        f"{ANN.public_id} is erased.",
    ),
    (
        "participant_blocked",
        {"friend": replace(NEW, person=person(id=FRED.pk, status="blocked"))},
        f"{FRED.public_id} is blocked.",
    ),
    (
        "mailbox_not_confirmed",
        {"claim": claim(proved=False), "friend": KNOWN},
        "They were enrolled before, and did not show that the mailbox is theirs.",
    ),
    (
        "known_before",
        {"friend": replace(NEW, known_before=True)},
        "Somebody of their name was erased here before.",
    ),
    (
        "already_customer",
        {"friend": replace(NEW, person=person(customer_since=NOON - DAY))},
        "They are a customer since 2026-02-28 12:00 UTC; "
        "the friend was won on 2026-03-01 12:00 UTC.",
    ),
    (
        "link_too_old",
        {"claim": claim("click", click=click(NOON - 30 * DAY - timedelta(seconds=1)))},
        "The click was on 2026-01-30 11:59 UTC, the claim on 2026-03-01 12:00 UTC; "
        "it counts for 30 days.",
    ),
    (
        "link_too_old",
        {
            "claim": claim(
                "invitation", invitation=Invitation(created_at=NOON - 31 * DAY)
            )
        },
        "The invitation was on 2026-01-29 12:00 UTC, the claim on "
        "2026-03-01 12:00 UTC; it counts for 30 days.",
    ),
    (
        "referral_loop",
        {"claim": claim(closes_ring=True)},
        "The friend is among the advocate's own advocates.",
    ),
]


@pytest.mark.parametrize(
    ("reason", "facts", "saw"), REFUSED, ids=[reason for reason, *_ in REFUSED]
)
def test_each_refusal_says_what_it_saw(
    reason: str, facts: dict[str, Any], saw: str
) -> None:
    given = {"claim": claim(), **facts}

    found = judged(given.pop("claim"), **given)

    assert found.credit is None
    assert [(each.outcome, each.detail) for each in found.refusals] == [(reason, saw)]
    assert [check.passed for check in found.refusals[0].checks][-1:] == [False]


def test_every_refusal_is_tried_here() -> None:
    tried = {reason for reason, _facts, _saw in REFUSED} | {"stronger_claim"}
    assert tried == set(REFUSALS)


def test_first_no_of_the_written_order_refuses() -> None:
    """Everything is wrong at once; each rule taken back lets the next one speak."""
    friend = FriendFacts(
        person(customer_since=NOON - 90 * DAY), is_new=False, known_before=True
    )
    wrong: dict[str, Any] = {
        "existing": ExistingReferral("ref_1", BOB),
        "rules": replace(RULES, open=False),
        "friend": friend,
    }
    advocate = person(status="blocked")
    trace = claim(
        "click",
        advocate,
        click=click(NOON - 31 * DAY),
        closes_ring=True,
        proved=False,
    )
    right: list[tuple[str, Any]] = [
        ("already_referred", lambda: wrong.update(existing=None)),
        ("campaign_not_open", lambda: wrong.update(rules=RULES)),
        ("participant_blocked", lambda: setattr(advocate, "status", "active")),
        ("mailbox_not_confirmed", lambda: wrong.update(proved=True)),
        ("known_before", lambda: wrong.update(known=False)),
        ("already_customer", lambda: setattr(friend.person, "customer_since", None)),
        ("link_too_old", lambda: wrong.update(click=click())),
        ("referral_loop", lambda: wrong.update(closes_ring=False)),
    ]
    assert [reason for reason, _ in right] == [
        refusal.code
        for _question, refusal in QUESTIONS
        if refusal.code not in {"self_referral", "stronger_claim"}
    ]
    for reason, put_right in right:
        found = judged(trace, **_given(wrong))
        assert [each.outcome for each in found.refusals] == [reason]
        put_right()
        trace = _put_right(trace, wrong)
    assert judged(trace, **_given(wrong)).credit


def _given(wrong: dict[str, Any]) -> dict[str, Any]:
    friend = replace(wrong["friend"], known_before=wrong.get("known", True))
    return {"existing": wrong["existing"], "rules": wrong["rules"], "friend": friend}


def _put_right(trace: Trace, wrong: dict[str, Any]) -> Trace:
    facts = {name: wrong[name] for name in ("click", "closes_ring") if name in wrong}
    given = replace(trace.claim, proved=wrong.get("proved", False))
    return replace(trace, claim=given, **facts)


# --- What is not refused ------------------------------------------------------------


def test_click_counts_to_the_last_second_of_its_window() -> None:
    assert judged(claim("click", click=click(NOON - 30 * DAY))).credit


@pytest.mark.parametrize("way", ["click", "cookie", "invitation"])
def test_becoming_a_customer_after_being_won_is_no_hindrance(way: str) -> None:
    friend = replace(NEW, person=person(customer_since=NOON - timedelta(hours=1)))
    assert judged(claim(way), friend=friend).credit


def test_claim_on_a_public_form_wins_somebody_new() -> None:
    assert judged(claim(proved=False)).credit


def test_claim_of_whoever_has_the_credit_agrees_whatever_else_speaks_against_it() -> (
    None
):
    blocked = person(id=ANN.pk, status="blocked")
    found = judged(
        claim(advocate=blocked),
        claim("cookie", BOB),
        existing=ExistingReferral("ref_1", ANN),
        rules=replace(RULES, open=False),
    )
    assert found.repeats
    assert found.credit is None
    assert outcomes(found) == [("code", "agreed"), ("cookie", "already_referred")]


# --- What is marked ----------------------------------------------------------------


def marks(found: Attribution) -> list[str]:
    assert found.credit
    return [mark.code for mark in found.marks]


def test_friend_who_was_there_before_the_advocate_is_marked() -> None:
    late = person(created_at=NOON - DAY)
    found = judged(claim(advocate=late), friend=KNOWN)
    assert marks(found) == ["friend_before_advocate"]
    assert found.marks[0].detail == (
        "The friend was enrolled on 2026-02-24 12:00:00 UTC, "
        "the advocate on 2026-02-28 12:00:00 UTC."
    )


def test_click_that_is_younger_than_the_enrolment_is_marked() -> None:
    assert marks(judged(claim("cookie"), friend=KNOWN)) == ["click_after_enrolment"]


@pytest.mark.parametrize("way", ORDER)
def test_friend_who_is_new_is_never_marked(way: Way) -> None:
    assert marks(judged(claim(way))) == []


def test_click_before_the_enrolment_is_not_marked() -> None:
    before = claim("click", click=click(NOON - 6 * DAY))
    assert marks(judged(before, friend=KNOWN)) == []


# --- What is kept ------------------------------------------------------------------


def test_decision_keeps_checks_ways_and_rules() -> None:
    found = judged(claim("cookie", BOB), claim("code"))

    kept = found.decision(RULES)

    assert [check["check"] for check in kept["checks"]] == [
        "leads_to_an_advocate",
        "is_somebody_else",
        "first_link_wins",
        "campaign_is_open",
        "both_are_active",
        "mailbox_is_proved",
        "was_never_here",
        "is_not_a_customer",
        "within_window",
        "closes_no_ring",
        "is_the_strongest",
        "advocate_came_first",
        "click_came_first",
    ]
    assert all(check["passed"] for check in kept["checks"])
    assert kept["ways"] == [
        {"way": "code", "outcome": "credited"},
        {"way": "cookie", "outcome": "stronger_claim"},
    ]
    assert kept["rules"] == {
        "attribution_days": 30,
        "order": [way.value for way in ORDER],
    }


# --- All of it at once ---------------------------------------------------------------

LEADS = [None, ANN, BOB, FRED]  # nobody, two advocates, and the friend themselves


@pytest.mark.parametrize("friend", [NEW, replace(KNOWN, person=FRED)])
@pytest.mark.parametrize("holder", [None, ANN, BOB])
def test_whatever_three_claims_say_the_rules_hold(
    friend: FriendFacts, holder: Participant | None
) -> None:
    """Every combination of where claims of three ways lead, how old, in any order."""
    existing = ExistingReferral("ref_1", holder) if holder else None
    ages = [NOON - DAY, NOON - 31 * DAY]
    for by_click, by_code, by_cookie, age, backwards in product(
        LEADS, LEADS, LEADS, ages, [False, True]
    ):
        claims = [
            claim("click", by_click, click=click(age)),
            claim("code", by_code),
            claim("cookie", by_cookie),
        ]
        found = judged(
            *(reversed(claims) if backwards else claims),
            friend=friend,
            existing=existing,
        )
        check_the_rules(found, claims, existing)


def check_the_rules(
    found: Attribution, claims: list[Trace], existing: ExistingReferral | None
) -> None:
    by_way = dict(outcomes(found))
    assert list(by_way) == ["click", "code", "cookie"]  # each judged, in the order
    credited = [way for way, outcome in by_way.items() if outcome == "credited"]
    assert len(credited) == (1 if found.credit else 0)
    holder = existing.advocate if existing else None
    if found.credit:
        assert existing is None
        assert found.credit.advocate not in {None, FRED}
        holder = found.credit.advocate
    for trace in claims:
        outcome = by_way[trace.claim.way]
        assert (outcome == "unknown") == (trace.advocate is None)
        assert (outcome == "self_referral") == (trace.advocate is FRED)
        if outcome in {"credited", "agreed"}:
            assert trace.advocate is holder
        if outcome == "stronger_claim":
            assert found.credit
            assert ORDER.index(found.credit.claim.way) < ORDER.index(trace.claim.way)
        if outcome == "already_referred":
            assert existing
            assert trace.advocate is not holder
    # Nobody who could have had it went without, for want of anybody else.
    if not found.credit and not existing:
        assert set(by_way.values()) <= {
            "unknown",
            "self_referral",
            "link_too_old",
        }


def test_ways_that_a_backend_names_outright_are_the_strongest() -> None:
    assert set(ORDER[:3]) == OUTRIGHT
