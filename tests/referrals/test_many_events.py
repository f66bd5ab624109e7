"""Events in sets: an answer for each, in as many statements for many as for one."""

import json
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from referrals.attribution import Claim
from referrals.models import Campaign, Event, Referral, ReferralChange
from referrals.services.events import (
    Recorded,
    Refusal,
    Report,
    preview_events,
    record_events,
)
from referrals.services.participants import enrol_people, person
from referrals.services.referrals import disqualify_referral, reconsider_referral
from rewards.models import Reward
from tests.factories import make_campaign, make_participant, make_rule
from tests.referrals.reports import order, outcomes, record, told
from tests.steps import DAY, NOON, checks, enrol, referred, refund, report
from webhooks.models import Message


def statements(campaign: Campaign, reports: list[Report]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        record_events(campaign, reports, wall=NOON)
    return len(asked)


def test_each_is_judged_after_the_one_before_it() -> None:
    referral = referred()
    friend = referral.friend

    answers = record(
        referral.campaign,
        order("o-1", friend),
        order("o-2", friend),
        order("o-1", friend, "500"),
        order("r-1", friend, None, name="refund", reverses="o-1"),
        order("r-2", friend, None, name="refund", reverses="o-2"),
    )

    assert outcomes(answers) == [
        "qualified",
        "recorded",
        "duplicate",
        "reversed",
        "reversed",
    ]
    referral.refresh_from_db()
    assert referral.status == "disqualified"
    assert Event.objects.count() == 4


def test_one_that_is_refused_leaves_the_others_alone() -> None:
    referral = referred()

    answers = record(
        referral.campaign,
        order("o-1", {"code": "NOBODY"}),
        order("o-2", {"email": "nobody"}),
        order("o-3", referral.friend, occurred_at=NOON + DAY),
        order("o-4", referral.friend, reverses="o-4"),
        order("o-5", referral.friend),
    )

    assert outcomes(answers) == [
        "unknown",
        "invalid",
        "in_the_future",
        "invalid",
        "qualified",
    ]
    pointers = [each.pointer for each in answers if isinstance(each, Refusal)]
    assert pointers == [
        "/participant/code",
        "/participant/email",
        "/occurred_at",
        "/reverses",
    ]
    assert Event.objects.count() == 1


def test_repeat_is_a_repeat_whatever_else_it_says() -> None:
    referral = referred()
    report(referral.friend, event_id="o-1")

    answers = record(
        referral.campaign,
        order("o-1", {"code": "NOBODY"}, occurred_at=NOON + DAY, reverses="o-1"),
    )

    assert outcomes(answers) == ["duplicate"]
    assert isinstance(answers[0], Recorded)
    assert checks(answers[0])["amount_reached"] is True


def test_id_of_a_refused_event_is_free() -> None:
    referral = referred()
    answers = record(
        referral.campaign,
        order("o-1", {"code": "NOBODY"}),
        order("o-1", referral.friend),
    )
    assert outcomes(answers) == ["unknown", "qualified"]


def test_one_person_by_four_names_is_one_person() -> None:
    referral = referred()
    friend = referral.friend
    names = [
        {"id": friend.public_id},
        {"external_id": str(friend.external_id)},
        {"email": str(friend.email)},
        {"code": friend.code},
    ]

    answers = record(
        referral.campaign, *[order(f"o-{n}", name) for n, name in enumerate(names)]
    )

    assert outcomes(answers) == ["qualified", "recorded", "recorded", "recorded"]


def test_nothing_is_recorded_for_nothing() -> None:
    assert record(make_campaign()) == []


def test_source_is_kept() -> None:
    referral = referred()
    record(referral.campaign, order("o-1", referral.friend), source="src_1")
    assert Event.objects.get().source == "src_1"


# --- What it costs ------------------------------------------------------------------


def test_statements_do_not_grow_with_the_events() -> None:
    campaign = make_campaign()
    make_rule(campaign=campaign)

    def orders(prefix: str, number: int) -> list[Report]:
        people = [referred(campaign=campaign).friend for _ in range(number)]
        return [
            order(f"{prefix}-{n}-{key}", who)
            for n, who in enumerate(people)
            for key in "ab"
        ]

    few, many = orders("few", 2), orders("many", 30)
    assert statements(campaign, few) == statements(campaign, many)


def test_statements_do_not_grow_with_the_refunds() -> None:
    campaign = make_campaign(reversal_events=["refund"])
    make_rule(campaign=campaign)

    def refunds(prefix: str, number: int) -> list[Report]:
        people = [referred(campaign=campaign).friend for _ in range(number)]
        record(campaign, *(order(f"{prefix}-{n}", who) for n, who in enumerate(people)))
        return [
            order(f"{prefix}-back-{n}", who, None, name="refund")
            for n, who in enumerate(people)
        ]

    few, many = refunds("few", 2), refunds("many", 30)
    assert statements(campaign, few) == statements(campaign, many)
    cancelled = Reward.objects.filter(status=Reward.Status.CANCELLED)
    assert cancelled.count() == 32
    assert told()["reward.cancelled"] == 32


def test_statements_do_not_grow_with_the_rewards_that_people_are_to_look_at() -> None:
    campaign = make_campaign(reversal_policy="ask")
    make_rule(campaign=campaign)

    def refunds(prefix: str, number: int) -> list[Report]:
        """Of one whose rewards were not reviewed, one's that was, one's in the queue,
        and one's that were issued, each as often."""
        people = [referred(campaign=campaign).friend for _ in range(4 * number)]
        record(campaign, *(order(f"{prefix}-{n}", who) for n, who in enumerate(people)))
        rows = list(Reward.objects.filter(status="pending").order_by("id"))
        by: dict[str, Any] = {"decided_by": "user:ops", "decided_at": NOON}
        stand: list[dict[str, Any]] = [
            {"status": "approved", **by},
            {"status": "flagged", "reasons": [{"code": "odd"}]},
            {"status": "issued", "issued_at": NOON, "issued_by": "user:ops", **by},
        ]
        for start, changes in enumerate(stand):
            keys = [row.pk for row in rows[start::4]]
            Reward.objects.filter(pk__in=keys).update(**changes)
        return [
            order(f"{prefix}-back-{n}", who, None, reverses=f"{prefix}-{n}")
            for n, who in enumerate(people)
        ]

    taken = statements(campaign, refunds("few", 2))
    assert statements(campaign, refunds("many", 20)) == taken
    flagged = Reward.objects.filter(status="flagged")
    assert flagged.count() == 66
    assert not flagged.exclude(reasons__contains=[{"code": "milestone_reversed"}])
    assert not flagged.exclude(decided_by="", decided_at=None)
    assert Reward.objects.filter(status="issued", disputed_at=NOON).count() == 22
    assert told()["reward.flagged"] == 44


def test_statements_do_not_grow_with_the_rewards_that_are_granted_again() -> None:
    campaign = make_campaign()
    make_rule(campaign=campaign)

    def orders(prefix: str, number: int) -> list[Report]:
        referrals = [referred(campaign=campaign) for _ in range(number)]
        friends = [(n, each.friend) for n, each in enumerate(referrals)]
        record(campaign, *(order(f"{prefix}-{n}", who) for n, who in friends))
        backs = [
            order(f"{prefix}-back-{n}", who, None, reverses=f"{prefix}-{n}")
            for n, who in friends
        ]
        record(campaign, *backs)
        for each in referrals:
            each.refresh_from_db()
            reconsider_referral(each, by="user:ann", wall=NOON, reason="Not so odd.")
        return [order(f"{prefix}-again-{n}", who) for n, who in friends]

    few, many = orders("few", 2), orders("many", 30)
    assert statements(campaign, few) == statements(campaign, many)
    assert set(Reward.objects.values_list("status", "decided_by")) == {("pending", "")}
    assert told()["reward.created"] == 64


def test_single_event_that_moves_nothing_takes_four_statements() -> None:
    referral = referred()
    assert statements(referral.campaign, [order("o-1", referral.friend, "1")]) == 4


# --- Strangers ----------------------------------------------------------------------


def test_what_is_no_milestone_of_a_stranger_is_recorded_and_becomes_theirs() -> None:
    campaign = make_campaign()
    name = {"external_id": "f-1"}

    answers = record(campaign, order("v-1", name, None, name="visit"))
    friend = enrol(campaign, **name).participant

    event = Event.objects.get()
    assert outcomes(answers) == ["recorded"]
    assert (event.participant, event.person) == (friend, "")
    assert event.outcome == "recorded"
    assert told()["event.unmatched"] == 0


def test_events_of_many_newcomers_are_judged_in_one_go() -> None:
    campaign = make_campaign()
    advocate = make_participant(campaign=campaign)
    names = [f"f-{n}" for n in range(3)]
    record(campaign, *[order(f"o-{n}", {"external_id": n}) for n in names])

    claim = (Claim(Referral.Way.CODE, advocate.code),)
    rows = [person(external_id=name, claims=claim) for name in names]
    answers = enrol_people(campaign, rows, wall=NOON)

    assert [each.judged for each in answers if hasattr(each, "judged")] == [1, 1, 1]
    assert set(Event.objects.values_list("outcome", flat=True)) == {"qualified"}


# --- What is kept of moves ----------------------------------------------------------


def test_each_move_is_kept_with_what_brought_it_about() -> None:
    referral = referred(campaign=make_campaign(holding_days=14))
    first = report(referral.friend, "30").event
    part = refund(referral.friend, "15", reverses=first.event_id).event
    report(referral.friend, wall=NOON + DAY)
    report(referral.friend, wall=NOON + 20 * DAY)

    kept = ReferralChange.objects.filter(referral=referral).order_by("id")
    assert [(row.from_status, row.to_status, row.event) for row in kept][:2] == [
        ("pending", "holding", first),
        ("holding", "pending", part),
    ]
    assert [row.to_status for row in kept] == [
        "holding",
        "pending",
        "holding",
        "qualified",
    ]
    ended = kept[3]
    assert (ended.event, ended.at) == (None, NOON + 15 * DAY)
    assert {row.decided_by for row in kept} == {"rules"}


def test_moves_in_one_batch_are_told_one_after_the_other() -> None:
    referral = referred()
    make_rule(campaign=referral.campaign)

    record(
        referral.campaign,
        order("o-1", referral.friend),
        order("r-1", referral.friend, None, name="refund", reverses="o-1"),
    )

    rows = Message.objects.filter(object_id=referral.pk).order_by("sequence")
    bodies = [json.loads(row.body or "") for row in rows]
    assert [(body["type"], body["data"]["status"]) for body in bodies] == [
        ("referral.qualified", "qualified"),
        ("referral.disqualified", "disqualified"),
    ]
    assert Reward.objects.get().status == "cancelled"


def test_move_by_a_person_is_kept_in_their_name() -> None:
    referral = referred()
    disqualify_referral(referral, now=NOON, reason="Odd.", by="user:ops")
    reconsider_referral(referral, by="user:ann", wall=NOON, reason="Not so odd.")

    kept = ReferralChange.objects.order_by("id")
    assert list(kept.values_list("to_status", "decided_by", "reason")) == [
        ("disqualified", "user:ops", "Odd."),
        ("pending", "user:ann", "Not so odd."),
    ]


def test_refund_that_waits_takes_back_what_is_reached_once_more_in_one_call() -> None:
    campaign = make_campaign(holding_days=14, reversal_events=["refund"])
    referral = referred(campaign=campaign)
    friend, hour = referral.friend, timedelta(hours=1)
    early = {"name": "refund", "occurred_at": NOON - hour}
    record(campaign, order("r-0", friend, None, **early))
    record(campaign, order("o-1", friend, "30", occurred_at=NOON))

    record(
        campaign,
        order("r-1", friend, "15", name="refund", reverses="o-1"),
        order("o-2", friend, "30", occurred_at=NOON - 2 * hour),
    )

    assert Event.objects.get(event_id="r-0").reverses == "o-2"


def test_what_counted_goes_on_counting_when_a_person_reopens() -> None:
    referral = referred(campaign=make_campaign(milestone_count=3))
    for _ in range(2):
        report(referral.friend)
    disqualify_referral(referral, now=NOON, reason="Odd.")
    reconsider_referral(referral, by="user:ann", wall=NOON, reason="Not so odd.")

    assert report(referral.friend).outcome == "qualified"


# --- Only looking -------------------------------------------------------------------


def test_preview_answers_the_same_and_writes_nothing() -> None:
    referral = referred()
    make_rule(campaign=referral.campaign)
    reports = [
        order("o-1", referral.friend),
        order("o-2", {"external_id": "nobody"}),
        order("o-1", referral.friend),
    ]

    seen = preview_events(referral.campaign, reports, wall=NOON)

    assert not Event.objects.exists()
    assert not Message.objects.exists()
    referral.refresh_from_db()
    assert referral.status == "pending"
    assert outcomes(seen) == outcomes(record(referral.campaign, *reports))
    first = seen[0]
    assert isinstance(first, Recorded)
    assert [move.to_status for move in first.moves] == ["qualified"]


def test_refund_waits_for_whom_its_event_was_about_even_if_that_decides_nothing() -> (
    None
):
    referral = referred()
    campaign = referral.campaign
    name = {"email": "fred@shop.example"}
    record(campaign, order("v-1", name, name="visit"))
    waiting = refund(referral.friend, reverses="v-1").event
    assert waiting.outcome == "unmatched"

    enrol(campaign, external_id=referral.friend.external_id, **name)

    waiting.refresh_from_db()
    assert waiting.outcome == "reversed"
