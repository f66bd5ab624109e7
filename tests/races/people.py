"""Races about one person: changed, merged and erased while something else happens."""

from functools import partial

from referrals.models import Event, FormerCode, Participant, Referral
from referrals.services.changing import patch_participant
from referrals.services.codes import CodeTaken, rotate_code
from referrals.services.erasing import erase_participant
from referrals.services.living import ParticipantErased
from referrals.services.merging import merge_participants
from referrals.services.referring import refer_friend
from rewards.models import Reward
from rewards.services.reviewing import review_rewards
from tests.factories import make_campaign, make_participant
from tests.races.races import kinds, named_by, rewarding_campaign, told
from tests.races.together import at_once, shortly_after
from tests.steps import NOON, enrol, referred, report
from webhooks.models import Message

BY = "key:key_1"


def erase(participant: Participant) -> partial[Participant]:
    return partial(erase_participant, participant, wall=NOON)


def merge(kept: Participant, other: Participant) -> partial[Participant]:
    return partial(merge_participants, kept, other, by=BY, wall=NOON)


def two_rows() -> tuple[Participant, Participant]:
    """Of one person: one from a backend, one from a form."""
    campaign = rewarding_campaign()
    return (
        make_participant(campaign=campaign, email=None),
        make_participant(campaign=campaign, external_id=None),
    )


def erasing_and_enrolling_again_never_bring_data_back() -> None:
    campaign = make_campaign()
    ann = make_participant(campaign=campaign, external_id="c-1")

    _erased, enrolled = at_once(
        erase(ann), partial(enrol, campaign, external_id="c-1", name="Ann")
    )

    ann.refresh_from_db()
    assert (ann.status, ann.name) == ("erased", "")
    # Who came second is a newcomer; who came first is the one who was erased.
    alive = campaign.participants.exclude(status="erased")
    assert [row.pk for row in alive] == (
        [enrolled.participant.pk] if enrolled.created else []
    )


def erasing_and_patching_never_bring_data_back() -> None:
    ann = make_participant(name="Ann")

    _erased, patched = at_once(
        erase(ann), partial(patch_participant, ann, {"name": "Anna"}, wall=NOON)
    )

    assert isinstance(patched, Participant | ParticipantErased)
    ann.refresh_from_db()
    assert (ann.status, ann.name) == ("erased", "")
    about = Message.objects.filter(object_id=ann.pk)
    assert not about.filter(body__contains="Ann").exists()


def two_patches_of_two_keys_both_count() -> None:
    ann = make_participant()
    calls = [
        partial(patch_participant, ann, {"attributes": {key: 1}}, wall=NOON)
        for key in "ab"
    ]

    at_once(*calls)

    ann.refresh_from_db()
    assert ann.attributes == {"a": 1, "b": 1}


def erasing_and_an_event_leave_none_of_its_properties() -> None:
    ann = make_participant()

    at_once(erase(ann), partial(report, ann, properties={"colour": "red"}))

    assert Event.objects.get(participant=ann).properties == {}


def erasing_and_reviewing_leave_no_evidence() -> None:
    campaign = rewarding_campaign()
    ann = make_participant(campaign=campaign, email="ann@shop.example")
    friend = make_participant(campaign=campaign, email="ann+1@shop.example")
    referred(campaign=campaign, advocate=ann, friend=friend)
    report(friend)

    review = partial(review_rewards, wall=NOON)
    at_once(erase(friend), shortly_after(review, 0.15))

    assert Reward.objects.filter(campaign=campaign).count() == 2
    for reward in Reward.objects.filter(campaign=campaign):
        assert not any(reason["evidence"] for reason in reward.reasons)
    about = Message.objects.filter(campaign_id=campaign.pk)
    assert not about.filter(body__contains="ann+1").exists()


def merging_twice_at_once_happens_once() -> None:
    kept, other = two_rows()

    answers = at_once(merge(kept, other), merge(kept, other))

    assert kinds(answers) == {Participant: 2}
    assert told(kept.campaign)["participant.erased"] == 1
    assert FormerCode.objects.filter(participant=kept).count() == 1


def merging_each_into_the_other_leaves_one() -> None:
    one, two = two_rows()

    answers = at_once(merge(one, two), merge(two, one))

    assert kinds(answers) == {Participant: 1, ParticipantErased: 1}
    assert one.campaign.participants.filter(status="active").count() == 1


def merging_and_enrolling_a_friend_credit_who_is_left() -> None:
    kept, other = two_rows()
    campaign = kept.campaign

    at_once(
        merge(kept, other),
        partial(enrol, campaign, external_id="f-1", by_code=other.code),
        partial(enrol, campaign, external_id="f-2", by_participant=other.public_id),
    )

    credited = Referral.objects.filter(campaign=campaign)
    assert [row.advocate for row in credited] == [kept, kept]


def merging_and_referring_the_same_two_make_no_credit_to_oneself() -> None:
    kept, other = two_rows()

    merged, _referred = at_once(
        merge(kept, other), partial(refer_friend, kept, named_by(other), wall=NOON)
    )

    assert merged == kept
    assert not kept.campaign.referrals.exclude(status="disqualified").exists()


def merging_and_an_event_find_each_other() -> None:
    kept, other = two_rows()
    referred(campaign=kept.campaign, friend=other)

    at_once(merge(kept, other), shortly_after(partial(report, other)))

    assert Event.objects.get(campaign=kept.campaign).participant == kept
    assert Referral.objects.get(campaign=kept.campaign).status == "qualified"
    assert Reward.objects.filter(recipient=kept).count() == 1


def two_people_who_choose_one_code_get_two() -> None:
    ann, bob = [make_participant() for _ in range(2)]
    code = f"CODE-{ann.code}"
    calls = [partial(rotate_code, who, wall=NOON, code=code) for who in (ann, bob)]

    answers = at_once(*calls)

    assert kinds(answers) == {Participant: 1, CodeTaken: 1}
    assert Participant.objects.filter(code=code).count() == 1


def code_that_is_given_up_is_nobody_elses() -> None:
    ann, bob = [make_participant() for _ in range(2)]

    _new, taken = at_once(
        partial(rotate_code, ann, wall=NOON),
        partial(rotate_code, bob, wall=NOON, code=ann.code),
    )

    assert isinstance(taken, CodeTaken)


def code_of_somebody_who_is_erased_is_nobody_elses() -> None:
    ann, bob = [make_participant() for _ in range(2)]

    choose = partial(rotate_code, bob, wall=NOON, code=ann.code)
    _erased, taken = at_once(erase(ann), shortly_after(choose))

    assert isinstance(taken, CodeTaken)


RACES = [
    erasing_and_enrolling_again_never_bring_data_back,
    erasing_and_patching_never_bring_data_back,
    two_patches_of_two_keys_both_count,
    erasing_and_an_event_leave_none_of_its_properties,
    erasing_and_reviewing_leave_no_evidence,
    merging_twice_at_once_happens_once,
    merging_each_into_the_other_leaves_one,
    merging_and_enrolling_a_friend_credit_who_is_left,
    merging_and_referring_the_same_two_make_no_credit_to_oneself,
    merging_and_an_event_find_each_other,
    two_people_who_choose_one_code_get_two,
    code_that_is_given_up_is_nobody_elses,
    code_of_somebody_who_is_erased_is_nobody_elses,
]
