"""The races, each a claim: one round is a fresh campaign and a few calls at once."""

from collections import Counter
from decimal import Decimal
from functools import partial
from typing import Any

from referral_factory.states import IllegalTransition
from referrals.attribution import Claim
from referrals.models import Campaign, Event, Participant, Referral
from referrals.services.participants import change_participant
from referrals.services.referrals import (
    disqualify_referral,
    expire_referrals,
    qualify_held_referrals,
)
from referrals.services.referring import refer_friend
from rewards.models import Reward
from rewards.services.issuing import issue_reward
from rewards.services.reviewing import (
    AlreadyApprovedByYou,
    approve_reward,
    reject_reward,
    review_rewards,
)
from tests.factories import (
    make_campaign,
    make_participant,
    make_referral,
    make_reward,
    make_rule,
)
from tests.races.together import at_once
from tests.steps import DAY, NOON, enrol, referred, refund, report
from webhooks.models import Message


def told(campaign: Campaign) -> Counter[str]:
    """How many messages of each type there are about this campaign."""
    rows = Message.objects.filter(campaign_id=campaign.pk)
    return Counter(rows.values_list("type", flat=True))


def rewarding_campaign(**fields: Any) -> Campaign:
    campaign = make_campaign(**fields)
    for side in ("advocate", "friend"):
        make_rule(campaign=campaign, side=side)
    return campaign


def named_by(advocate: Participant) -> list[Claim]:
    return [Claim(Referral.Way.CODE, advocate.code)]


def kinds(answers: list[Any]) -> Counter[type]:
    return Counter(type(answer) for answer in answers)


def own_copies(row: Any, number: int = 2) -> list[Any]:
    """A copy for each thread, read before any of them writes."""
    return [type(row)._default_manager.get(pk=row.pk) for _ in range(number)]


def two_events_of_one_friend_qualify_once() -> None:
    referral = referred(campaign=rewarding_campaign())

    answers = at_once(
        partial(report, referral.friend), partial(report, referral.friend)
    )

    assert sorted(answer.outcome for answer in answers) == ["qualified", "recorded"]
    assert told(referral.campaign)["referral.qualified"] == 1
    assert told(referral.campaign)["reward.created"] == 2
    assert referral.rewards.count() == 2


def one_event_reported_twenty_times_is_one_row() -> None:
    referral = referred(campaign=rewarding_campaign())
    call = partial(report, referral.friend, event_id="order-1")

    answers = at_once(*[call] * 20)

    outcomes = Counter(answer.outcome for answer in answers)
    assert outcomes == {"qualified": 1, "duplicate": 19}
    assert Event.objects.filter(campaign=referral.campaign).count() == 1
    assert referral.rewards.count() == 2


def one_event_of_a_stranger_reported_at_once_is_one_row() -> None:
    campaign = make_campaign()
    name = {"external_id": "nobody"}
    call = partial(report, name, campaign=campaign, event_id="order-1")

    answers = at_once(call, call, call)

    outcomes = Counter(answer.outcome for answer in answers)
    assert outcomes == {"unmatched": 1, "duplicate": 2}


def two_reviewers_make_one_decision() -> None:
    reward = make_reward(status="flagged", decided_by="", decided_at=None)

    answers = at_once(
        partial(approve_reward, reward, by="user:ann", wall=NOON),
        partial(reject_reward, reward, by="user:bob", wall=NOON, note="No."),
    )

    assert kinds(answers) == {Reward: 1, IllegalTransition: 1}
    found = told(reward.campaign)
    assert found["reward.approved"] + found["reward.rejected"] == 1
    reward.refresh_from_db()
    said = {"approved": "user:ann", "rejected": "user:bob"}
    assert reward.decided_by == said[reward.status]


def two_people_approve_as_two_people() -> None:
    reward = make_reward(
        status="flagged", campaign=make_campaign(review={"two_people_above": "1"})
    )

    at_once(
        partial(approve_reward, reward, by="user:ann", wall=NOON),
        partial(approve_reward, reward, by="user:bob", wall=NOON),
    )

    reward.refresh_from_db()
    assert reward.status == "approved"
    approvers = {reward.first_approver, reward.second_approver}
    assert approvers == {"user:ann", "user:bob"}


def one_person_is_never_two_approvers() -> None:
    reward = make_reward(
        status="flagged", campaign=make_campaign(review={"two_people_above": "1"})
    )
    call = partial(approve_reward, reward, by="user:ann", wall=NOON)

    answers = at_once(call, call)

    reward.refresh_from_db()
    assert reward.status == "flagged"
    assert kinds(answers) == {Reward: 1, AlreadyApprovedByYou: 1}


def two_issues_hand_over_once() -> None:
    reward = make_reward(status="approved", issued_by="", issued_at=None)
    calls = [
        partial(issue_reward, copy, by="user:ann", wall=NOON, reference=f"payout-{n}")
        for n, copy in enumerate(own_copies(reward))
    ]

    answers = at_once(*calls)

    assert kinds(answers) == {Reward: 1, IllegalTransition: 1}
    assert told(reward.campaign)["reward.issued"] == 1
    (winner,) = [answer for answer in answers if isinstance(answer, Reward)]
    reward.refresh_from_db()
    assert reward.reference == winner.reference


def event_and_enrolment_of_one_stranger_find_each_other() -> None:
    campaign = rewarding_campaign()
    ann = make_participant(campaign=campaign)

    at_once(
        partial(report, {"email": "fred@shop.example"}, campaign=campaign),
        partial(
            enrol,
            campaign,
            external_id="f-1",
            email="fred@shop.example",
            by_code=ann.code,
        ),
    )

    assert Event.objects.get(campaign=campaign).outcome == "qualified"
    assert Reward.objects.filter(campaign=campaign).count() == 2


def event_of_a_stranger_is_theirs_as_soon_as_they_are_enrolled() -> None:
    campaign = make_campaign()
    name = {"external_id": "f-1"}

    at_once(partial(report, name, campaign=campaign), partial(enrol, campaign, **name))

    event = Event.objects.get(campaign=campaign)
    assert event.participant == Participant.objects.get(campaign=campaign)


def event_and_a_new_name_of_its_person_find_each_other() -> None:
    referral = referred()
    email = "fred@shop.example"

    at_once(
        partial(report, {"email": email}, campaign=referral.campaign),
        partial(change_participant, referral.friend, {"email": email}, wall=NOON),
    )

    assert Event.objects.get(campaign=referral.campaign).outcome == "qualified"


def event_and_referral_of_one_friend_find_each_other() -> None:
    campaign = make_campaign()
    ann, friend = [make_participant(campaign=campaign) for _ in range(2)]

    at_once(
        partial(report, friend),
        partial(refer_friend, friend, named_by(ann), wall=NOON),
    )

    assert Event.objects.get(campaign=campaign).outcome == "qualified"


def changing_a_friend_while_referring_them_stops_nobody() -> None:
    campaign = make_campaign()
    ann, friend = [make_participant(campaign=campaign) for _ in range(2)]
    names = {"external_id": friend.external_id, "by_code": ann.code}

    answers = at_once(
        *[partial(enrol, campaign, name=f"Name {n}", **names) for n in range(2)],
        partial(enrol, campaign, **names),
    )

    assert sum(answer.referral_created for answer in answers) == 1


def refund_and_the_end_of_holding_leave_no_reward() -> None:
    referral = referred(campaign=rewarding_campaign(holding_days=14))
    report(referral.friend, event_id="order-1")
    end = NOON + 14 * DAY

    at_once(
        partial(qualify_held_referrals, wall=end),
        partial(refund, referral.friend, reverses="order-1", wall=end),
    )

    referral.refresh_from_db()
    assert referral.status == "disqualified"
    assert not referral.rewards.exclude(status="cancelled").exists()


def disqualifying_and_issuing_leave_nothing_unsaid() -> None:
    referral = referred(campaign=rewarding_campaign())
    report(referral.friend, event_id="order-1")
    review_rewards(wall=NOON)
    reward = Reward.objects.get(referral=referral, side="advocate")

    referral.refresh_from_db()

    disqualified, _issued = at_once(
        partial(disqualify_referral, referral, now=NOON, reason="Looked odd."),
        partial(issue_reward, reward, by="user:ann", wall=NOON, reference="p-1"),
    )

    assert disqualified is None  # it was not refused
    reward.refresh_from_db()
    assert (reward.status, bool(reward.disputed_at)) in {
        ("cancelled", False),
        ("issued", True),
    }


def two_sweeps_do_each_referral_once() -> None:
    campaign = make_campaign()
    for _ in range(4):
        make_referral(campaign=campaign, status="holding", holds_until=NOON)
        referred(campaign=campaign, expires_at=NOON)

    answers = at_once(
        *[partial(qualify_held_referrals, wall=NOON)] * 2,
        *[partial(expire_referrals, wall=NOON)] * 2,
    )

    assert sum(answers) == 8
    assert told(campaign) == {"referral.qualified": 4, "referral.expired": 4}


def two_reviews_look_at_each_reward_once() -> None:
    campaign = make_campaign()
    rule = make_rule(campaign=campaign, amount=Decimal(10))
    blank: dict[str, Any] = {
        "status": "pending",
        "reasons": [],
        "decided_by": "",
        "decided_at": None,
    }
    for _ in range(4):
        make_reward(campaign=campaign, rule=rule, **blank)

    answers = at_once(*[partial(review_rewards, wall=NOON)] * 2)

    assert sum(answers) == 4
    assert told(campaign) == {"reward.approved": 4}


RACES = [
    two_events_of_one_friend_qualify_once,
    one_event_reported_twenty_times_is_one_row,
    one_event_of_a_stranger_reported_at_once_is_one_row,
    two_reviewers_make_one_decision,
    two_people_approve_as_two_people,
    one_person_is_never_two_approvers,
    two_issues_hand_over_once,
    event_and_enrolment_of_one_stranger_find_each_other,
    event_of_a_stranger_is_theirs_as_soon_as_they_are_enrolled,
    event_and_a_new_name_of_its_person_find_each_other,
    event_and_referral_of_one_friend_find_each_other,
    changing_a_friend_while_referring_them_stops_nobody,
    refund_and_the_end_of_holding_leave_no_reward,
    disqualifying_and_issuing_leave_nothing_unsaid,
    two_sweeps_do_each_referral_once,
    two_reviews_look_at_each_reward_once,
]
