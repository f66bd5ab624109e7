"""Races of claims: who refers whom, said twice or by two at once."""

from functools import partial
from typing import Any

from referrals.attribution import Claim
from referrals.models import Campaign, Participant, Referral, RefusedClaim
from referrals.services.participants import Enrolment, enrol_people
from referrals.services.people import Person, person
from referrals.services.referring import Attributed, refer_friend
from tests.factories import make_campaign, make_participant
from tests.races.races import named_by, told
from tests.races.together import at_once
from tests.steps import NOON, enrol


def people(number: int) -> list[Participant]:
    campaign = make_campaign()
    return [make_participant(campaign=campaign) for _ in range(number)]


def reasons(campaign: Campaign) -> list[str]:
    kept = RefusedClaim.objects.filter(campaign=campaign)
    return sorted(kept.values_list("reason", flat=True))


def made(answers: list[Any]) -> int:
    """How many of the calls made a referral; all of them were answered."""
    assert {type(answer) for answer in answers} == {Attributed}
    return sum(answer.created for answer in answers)


def two_advocates_who_claim_a_new_friend_get_one_referral() -> None:
    ann, bob = people(2)
    call = partial(enrol, ann.campaign, external_id="f-1", email="f@shop.example")

    answers = at_once(partial(call, by_code=ann.code), partial(call, by_code=bob.code))

    assert sum(answer.created for answer in answers) == 1
    assert sum(answer.referral_created for answer in answers) == 1
    assert Referral.objects.filter(campaign=ann.campaign).count() == 1
    assert told(ann.campaign)["referral.created"] == 1
    assert reasons(ann.campaign) == ["already_referred"]


def two_advocates_who_claim_a_known_friend_get_one_referral() -> None:
    ann, bob, friend = people(3)

    answers = at_once(
        partial(refer_friend, friend, named_by(ann), wall=NOON),
        partial(refer_friend, friend, named_by(bob), wall=NOON),
    )

    assert made(answers) == 1
    assert Referral.objects.filter(friend=friend).count() == 1
    assert told(ann.campaign)["referral.created"] == 1
    assert reasons(ann.campaign) == ["already_referred"]


def two_people_who_refer_each_other_get_one_referral() -> None:
    ann, bob = people(2)

    answers = at_once(
        partial(refer_friend, bob, named_by(ann), wall=NOON),
        partial(refer_friend, ann, named_by(bob), wall=NOON),
    )

    assert made(answers) == 1
    assert Referral.objects.filter(campaign=ann.campaign).count() == 1
    assert reasons(ann.campaign) == ["referral_loop"]


def three_people_who_refer_each_other_in_a_ring_leave_it_open() -> None:
    ann, bob, cid = people(3)

    answers = at_once(
        partial(refer_friend, bob, named_by(ann), wall=NOON),
        partial(refer_friend, cid, named_by(bob), wall=NOON),
        partial(refer_friend, ann, named_by(cid), wall=NOON),
    )

    assert made(answers) == 2
    assert reasons(ann.campaign) == ["referral_loop"]


def one_claim_made_twice_is_one_referral() -> None:
    ann, friend = people(2)
    call = partial(refer_friend, friend, named_by(ann), wall=NOON)

    answers = at_once(call, call)

    assert made(answers) == 1
    assert answers[0].referral == answers[1].referral
    assert told(ann.campaign)["referral.created"] == 1
    assert reasons(ann.campaign) == []


def one_refused_claim_made_twice_is_kept_once() -> None:
    (ann,) = people(1)
    call = partial(refer_friend, ann, named_by(ann), wall=NOON)

    answers = at_once(call, call)

    assert made(answers) == 0
    assert reasons(ann.campaign) == ["self_referral"]


def two_calls_that_change_one_and_refer_the_other_stop_nobody() -> None:
    """Each names the people otherwise, so that no name makes them wait in order."""
    ann, one, other = people(3)
    code = (Claim(Referral.Way.CODE, ann.code),)

    def rows(changed: Participant, friend: Participant) -> list[Person]:
        return [
            person(email=changed.email, name="Changed"),
            person(external_id=friend.external_id, claims=code),
        ]

    answers = at_once(
        partial(enrol_people, ann.campaign, rows(one, other), wall=NOON),
        partial(enrol_people, ann.campaign, rows(other, one), wall=NOON),
    )

    assert all(isinstance(row, Enrolment) for answer in answers for row in answer)
    assert Referral.objects.filter(advocate=ann).count() == 2


RACES = [
    two_calls_that_change_one_and_refer_the_other_stop_nobody,
    two_advocates_who_claim_a_new_friend_get_one_referral,
    two_advocates_who_claim_a_known_friend_get_one_referral,
    two_people_who_refer_each_other_get_one_referral,
    three_people_who_refer_each_other_in_a_ring_leave_it_open,
    one_claim_made_twice_is_one_referral,
    one_refused_claim_made_twice_is_kept_once,
]
