"""Races of events: many at once about one friend, one told many times, two batches."""

from collections import Counter
from decimal import Decimal
from functools import partial
from typing import Any

from referrals.models import Event, Participant, Referral, ReferralChange
from referrals.services.events import Recorded, Report, record_events
from tests.factories import make_campaign, make_participant
from tests.races.races import rewarding_campaign, told
from tests.races.together import at_once
from tests.steps import NOON, referred, refund, report


def outcomes(answers: list[Any]) -> Counter[str]:
    return Counter(answer.outcome for answer in answers)


def report_all(*given: tuple[Participant, str]) -> list[Any]:
    """A batch of orders of these people, by these ids."""
    reports = [
        Report(key, "purchase", {"id": who.public_id}, NOON, Decimal(20), "USD")
        for who, key in given
    ]
    return record_events(given[0][0].campaign, reports, wall=NOON)


def forty_events_of_one_friend_qualify_once() -> None:
    referral = referred(campaign=rewarding_campaign())

    answers = at_once(*[partial(report, referral.friend)] * 40)

    assert outcomes(answers) == {"qualified": 1, "recorded": 39}
    assert told(referral.campaign)["referral.qualified"] == 1
    assert told(referral.campaign)["reward.created"] == 2
    assert referral.rewards.count() == 2
    assert ReferralChange.objects.filter(referral=referral).count() == 1


def three_orders_at_once_are_three() -> None:
    referral = referred(campaign=rewarding_campaign(milestone_count=3))

    answers = at_once(*[partial(report, referral.friend)] * 3)

    assert outcomes(answers) == {"counted": 2, "qualified": 1}
    assert referral.rewards.count() == 2


def one_event_told_fifty_times_at_once_is_one_row() -> None:
    referral = referred(campaign=rewarding_campaign())
    call = partial(report, referral.friend, event_id="order-1")

    answers = at_once(*[call] * 50)

    assert outcomes(answers) == {"qualified": 1, "duplicate": 49}
    assert Event.objects.filter(campaign=referral.campaign).count() == 1
    assert referral.rewards.count() == 2


def one_event_told_of_two_people_is_the_first_ones() -> None:
    """Nothing that either call holds makes the other wait: only the id is the same."""
    campaign = make_campaign()
    one, other = [referred(campaign=campaign) for _ in range(2)]

    answers = at_once(
        partial(report, one.friend, event_id="order-1"),
        partial(report, other.friend, event_id="order-1"),
    )

    assert outcomes(answers) == {"qualified": 1, "duplicate": 1}
    (event,) = Event.objects.filter(campaign=campaign)
    (moved,) = Referral.objects.filter(campaign=campaign, status="qualified")
    assert event.referral_id == moved.pk


def two_batches_that_share_an_event_keep_all_the_others() -> None:
    campaign = make_campaign()
    one, other = [referred(campaign=campaign).friend for _ in range(2)]

    answers = at_once(
        partial(report_all, (one, "a"), (one, "shared"), (one, "b")),
        partial(report_all, (other, "c"), (other, "shared"), (other, "d")),
    )

    assert outcomes([row for rows in answers for row in rows]) == {
        "qualified": 2,
        "recorded": 3,
        "duplicate": 1,
    }
    assert Event.objects.filter(campaign=campaign).count() == 5


def two_batches_about_the_same_people_stop_nobody() -> None:
    campaign = make_campaign()
    friends = [referred(campaign=campaign).friend for _ in range(4)]
    there = [(friend, f"a-{n}") for n, friend in enumerate(friends)]
    back = [(friend, f"b-{n}") for n, friend in enumerate(reversed(friends))]

    answers = at_once(partial(report_all, *there), partial(report_all, *back))

    rows = [row for rows in answers for row in rows]
    assert all(isinstance(row, Recorded) for row in rows)
    assert outcomes(rows) == {"qualified": 4, "recorded": 4}


def order_and_a_refund_that_names_nothing_end_alike_in_either_order() -> None:
    referral = referred(campaign=rewarding_campaign(reversal_events=["refund"]))

    at_once(
        partial(report, referral.friend, occurred_at=NOON),
        partial(refund, referral.friend, occurred_at=NOON),
    )

    referral.refresh_from_db()
    assert referral.status == "disqualified"
    assert set(referral.rewards.values_list("status", flat=True)) == {"cancelled"}


def two_refunds_of_two_orders_leave_none_to_stand_in() -> None:
    referral = referred(campaign=rewarding_campaign())
    for key in ("order-1", "order-2"):
        report(referral.friend, event_id=key)

    at_once(
        partial(refund, referral.friend, reverses="order-1"),
        partial(refund, referral.friend, reverses="order-2"),
    )

    referral.refresh_from_db()
    assert referral.status == "disqualified"
    assert not referral.rewards.exclude(status="cancelled").exists()


def order_and_its_refund_find_each_other() -> None:
    referral = referred(campaign=rewarding_campaign())

    at_once(
        partial(report, referral.friend, event_id="order-1"),
        partial(refund, referral.friend, reverses="order-1", event_id="refund-1"),
    )

    referral.refresh_from_db()
    assert referral.status in {"pending", "disqualified"}
    taken_back = Event.objects.get(campaign=referral.campaign, event_id="refund-1")
    assert taken_back.outcome == "reversed"
    assert not referral.rewards.exclude(status="cancelled").exists()


def events_of_many_strangers_in_two_batches_stop_nobody() -> None:
    campaign = make_campaign()
    make_participant(campaign=campaign, external_id="known")
    names = ["known", *(f"nobody-{n}" for n in range(4))]

    def batch(prefix: str, order: list[str]) -> list[Any]:
        reports = [
            Report(f"{prefix}-{name}", "purchase", {"external_id": name})
            for name in order
        ]
        return record_events(campaign, reports, wall=NOON)

    answers = at_once(
        partial(batch, "a", names), partial(batch, "b", list(reversed(names)))
    )

    rows = [row for rows in answers for row in rows]
    assert outcomes(rows) == {"unmatched": 10}


RACES = [
    order_and_a_refund_that_names_nothing_end_alike_in_either_order,
    forty_events_of_one_friend_qualify_once,
    three_orders_at_once_are_three,
    one_event_told_fifty_times_at_once_is_one_row,
    one_event_told_of_two_people_is_the_first_ones,
    two_batches_that_share_an_event_keep_all_the_others,
    two_batches_about_the_same_people_stop_nobody,
    two_refunds_of_two_orders_leave_none_to_stand_in,
    order_and_its_refund_find_each_other,
    events_of_many_strangers_in_two_batches_stop_nobody,
]
