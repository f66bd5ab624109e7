"""Two participants who turn out to be one person."""

from datetime import datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from referral_factory.errors import InvalidInput
from referral_factory.states import IllegalTransition
from referrals.models import (
    Campaign,
    Click,
    Consent,
    ConsentText,
    FormerCode,
    Invitation,
    Participant,
    Referral,
    RefusedClaim,
    Tombstone,
)
from referrals.services.codes import find_by_codes
from referrals.services.living import ParticipantErased
from referrals.services.merging import TwoExternalIds, merge_participants
from referrals.services.merging_referrals import NOT_FIRST, RING, TO_SELF
from referrals.services.referrals import reconsider_referral
from rewards.models import Reward
from rewards.services.issuing import issue_reward
from rewards.services.reviewing import review_rewards
from tests.factories import (
    make_campaign,
    make_participant,
    make_rule,
)
from tests.steps import DAY, NOON, referred, report
from webhooks.models import Message

BY = "key:key_1"


def merge(kept: Participant, other: Participant) -> Participant:
    return merge_participants(kept, other, by=BY, wall=NOON)


def people(campaign: Campaign, number: int) -> list[Participant]:
    """Each with a mailbox only, as a form makes them."""
    return [
        make_participant(campaign=campaign, external_id=None) for _ in range(number)
    ]


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign()


def credit(advocate: Participant, friend: Participant, **fields: Any) -> Referral:
    return referred(advocate=advocate, friend=friend, **fields)


def now(referral: Referral) -> tuple[str, Participant, Participant]:
    referral = Referral.objects.get(pk=referral.pk)
    return referral.status, referral.advocate, referral.friend


# --- The person ---------------------------------------------------------------------


def test_what_the_kept_row_lacks_is_taken_over(campaign: Campaign) -> None:
    kept = make_participant(
        campaign=campaign,
        external_id="c-1",
        email=None,
        attributes={"plan": "pro", "tags": ["a"]},
        customer_since=NOON,
    )
    other = make_participant(
        campaign=campaign,
        external_id=None,
        email="Ann+x@gmail.com",
        name="Ann",
        attributes={"plan": "free", "from": "form"},
        customer_since=NOON - DAY,
        confirmed_at=NOON,
        address="192.0.2.1",
        user_agent="Firefox",
    )

    merge(kept, other)

    kept.refresh_from_db()
    assert (kept.external_id, kept.email, kept.name) == (
        "c-1",
        "Ann+x@gmail.com",
        "Ann",
    )
    assert kept.email_canonical == "ann@gmail.com"
    assert kept.attributes == {"plan": "pro", "tags": ["a"], "from": "form"}
    assert kept.customer_since == NOON - DAY
    assert kept.confirmed_at == NOON
    assert (kept.address, kept.user_agent) == ("192.0.2.1", "Firefox")
    assert not Tombstone.objects.exists()


def test_row_that_is_left_behind_has_nothing_of_the_person(campaign: Campaign) -> None:
    kept, other = people(campaign, 2)
    old_code = other.code

    merge(kept, other)

    other.refresh_from_db()
    assert (other.status, other.merged_into, other.erased_at) == ("erased", kept, NOON)
    assert (other.email, other.name, other.attributes) == (None, "", {})
    assert other.code != old_code
    assert find_by_codes(campaign, [old_code]) == {old_code: kept}


def test_second_mailbox_leaves_a_tombstone(campaign: Campaign) -> None:
    kept, other = people(campaign, 2)
    email = kept.email

    merge(kept, other)

    kept.refresh_from_db()
    assert kept.email == email
    assert Tombstone.objects.filter(campaign=campaign).count() == 1


def test_mailbox_that_is_kept_is_not_confirmed_by_another(campaign: Campaign) -> None:
    kept, other = people(campaign, 2)
    Participant.objects.filter(pk=other.pk).update(confirmed_at=NOON)

    assert merge(kept, other).confirmed_at is None


def test_two_external_ids_are_two_people(campaign: Campaign) -> None:
    kept, other = [make_participant(campaign=campaign) for _ in range(2)]

    with pytest.raises(TwoExternalIds) as refusal:
        merge(kept, other)

    assert refusal.value.facts["participants"] == [kept.public_id, other.public_id]


def test_merging_again_changes_nothing(campaign: Campaign) -> None:
    kept, other = people(campaign, 2)
    merge(kept, other)
    told = Message.objects.count()

    merge(kept, other)

    assert Message.objects.count() == told


def test_nobody_is_merged_with_themselves_or_with_the_erased(
    campaign: Campaign,
) -> None:
    ann, bob, cas = people(campaign, 3)
    merge(ann, bob)

    with pytest.raises(InvalidInput):
        merge(ann, ann)
    with pytest.raises(ParticipantErased):
        merge(bob, cas)
    with pytest.raises(ParticipantErased):
        merge(cas, bob)


def test_rows_that_were_merged_before_lead_to_whom_is_left(campaign: Campaign) -> None:
    ann, bob, cas = people(campaign, 3)
    merge(bob, cas)

    merge(ann, bob)

    cas.refresh_from_db()
    assert cas.merged_into == ann


def test_being_merged_is_no_way_round_a_block(campaign: Campaign) -> None:
    kept, other = people(campaign, 2)
    other.block()

    assert merge(kept, other).status == "blocked"

    assert Message.objects.filter(type="participant.blocked").count() == 1


def test_both_are_announced(campaign: Campaign) -> None:
    kept, other = people(campaign, 2)

    merge(kept, other)

    first, second = Message.objects.order_by("id")
    assert (first.type, first.object_id) == ("participant.erased", other.pk)
    assert f'"merged_into":"{kept.public_id}"' in first.body
    assert (second.type, second.object_id) == ("participant.updated", kept.pk)


def test_what_hangs_on_the_other_moves_once(campaign: Campaign) -> None:
    kept, other, friend = people(campaign, 3)
    text = ConsentText.objects.create(campaign=campaign, version=1, text="Yes?")
    for person in (kept, other):
        for email in ("a@shop.example", f"{person.pk}@shop.example"):
            Invitation.objects.create(
                campaign=campaign, advocate=person, email=email, email_canonical=email
            )
        Consent.objects.create(participant=person, text=text)
        RefusedClaim.objects.create(
            campaign=campaign, friend=person, way="code", value="X", reason="unknown"
        )
    claim = RefusedClaim.objects.create(
        campaign=campaign, friend=friend, advocate=other, way="code", value="Y"
    )
    FormerCode.objects.create(code="OLD", participant=other, works=True)
    Click.objects.create(
        campaign_id=campaign.pk, participant_id=other.pk, created_at=NOON
    )
    event = report(other).event

    merge(kept, other)

    assert kept.invitations.count() == 3
    assert kept.consents.count() == 1
    assert kept.refused_claims.count() == 1
    assert not any(
        rows.exists()
        for rows in (other.invitations, other.consents, other.refused_claims)
    )
    claim.refresh_from_db()
    event.refresh_from_db()
    assert (claim.advocate, event.participant) == (kept, kept)
    assert find_by_codes(campaign, ["OLD"]) == {"OLD": kept}
    assert Click.objects.get().participant_id == kept.pk


# --- Referrals ----------------------------------------------------------------------


def test_friends_of_the_other_are_friends_of_the_kept(campaign: Campaign) -> None:
    kept, other, friend = people(campaign, 3)
    referral = credit(other, friend)

    merge(kept, other)

    assert now(referral) == ("pending", kept, friend)


def test_only_credit_for_the_person_moves(campaign: Campaign) -> None:
    kept, other, advocate = people(campaign, 3)
    referral = credit(advocate, other)

    merge(kept, other)

    assert now(referral) == ("pending", advocate, kept)


@pytest.mark.parametrize(
    ("mine", "theirs", "winner"),
    [
        (("pending", 2), ("pending", 1), "mine"),
        (("pending", 1), ("pending", 2), "theirs"),
        (("pending", 2), ("holding", 1), "theirs"),
        (("holding", 2), ("qualified", 1), "theirs"),
        (("qualified", 1), ("pending", 2), "mine"),
        (("qualified", 1), ("qualified", 2), "theirs"),
        (("disqualified", 2), ("pending", 1), "mine"),
        (("expired", 2), ("pending", 1), "mine"),
    ],
)
def test_first_of_two_credits_stays_unless_the_other_got_further(
    campaign: Campaign, mine: Any, theirs: Any, winner: str
) -> None:
    kept, other, ann, bob = people(campaign, 4)
    rows = {
        "mine": credit(ann, kept, **state(*mine)),
        "theirs": credit(bob, other, **state(*theirs)),
    }

    merge(kept, other)

    for name, row in rows.items():
        row.refresh_from_db()
        assert row.friend == (kept if name == winner else other)
    before = {"mine": mine, "theirs": theirs}
    assert rows[winner].status == before[winner][0]
    loser = rows["theirs" if winner == "mine" else "mine"]
    assert (loser.status, loser.reason) == ("disqualified", NOT_FIRST)
    assert loser.decided_by == BY
    assert not Participant.objects.filter(referred_by=None, status="erased").exists()


def state(status: str, days_ago: int) -> dict[str, Any]:
    made: datetime = NOON - days_ago * DAY
    dates: dict[str, dict[str, Any]] = {
        "holding": {"holds_until": NOON + DAY},
        "qualified": {"qualified_at": NOON},
        "disqualified": {"disqualified_at": NOON, "reason": "Odd."},
    }
    return {"status": status, "created_at": made, **dates.get(status, {})}


def test_credit_between_the_two_is_a_self_referral(campaign: Campaign) -> None:
    kept, other, third, fourth = people(campaign, 4)
    downwards = credit(kept, other)
    upwards = credit(third, fourth)

    merge(kept, other)
    merge(fourth, third)

    for referral, one, two in ((downwards, kept, other), (upwards, fourth, third)):
        assert now(referral) == ("disqualified", one, two)
        referral.refresh_from_db()
        assert referral.reason == TO_SELF


def test_self_referral_gives_way_to_the_credit_of_somebody_else(
    campaign: Campaign,
) -> None:
    kept, other, ann = people(campaign, 3)
    own, real = credit(other, kept), credit(ann, other)

    merge(kept, other)

    assert now(own) == ("disqualified", kept, other)
    assert now(real) == ("pending", ann, kept)


def test_person_whose_only_credit_was_to_themselves_can_be_referred(
    campaign: Campaign,
) -> None:
    kept, other, _ann = people(campaign, 3)
    credit(other, kept)

    merge(kept, other)

    assert not kept.referred_by.exists()


def test_credit_that_would_close_a_ring_from_below_stays_behind(
    campaign: Campaign,
) -> None:
    """top -> kept, and other -> top: the kept one would be above itself."""
    kept, other, top = people(campaign, 3)
    above, below = credit(top, kept), credit(other, top)

    merge(kept, other)

    assert now(above) == ("pending", top, kept)
    assert now(below) == ("disqualified", other, top)
    below.refresh_from_db()
    assert below.reason == RING


def test_credit_that_would_close_a_ring_from_above_stays_behind(
    campaign: Campaign,
) -> None:
    """kept -> middle -> low, and low -> other."""
    kept, other, middle, low = people(campaign, 4)
    credit(kept, middle)
    credit(middle, low)
    closing = credit(low, other)

    merge(kept, other)

    assert now(closing) == ("disqualified", low, other)


def test_events_of_both_count_for_the_credit_that_stays(campaign: Campaign) -> None:
    kept, other, ann = people(campaign, 3)
    early = report(kept).event  # nobody had referred this row
    referral = credit(ann, other)

    merge(kept, other)

    referral.refresh_from_db()
    early.refresh_from_db()
    assert (early.outcome, referral.status) == ("qualified", "qualified")


def test_what_was_left_behind_is_not_reopened(campaign: Campaign) -> None:
    kept, other, ann, bob = people(campaign, 4)
    credit(ann, kept, **state("pending", 2))
    loser = credit(bob, other, **state("pending", 1))
    merge(kept, other)
    loser.refresh_from_db()

    with pytest.raises(IllegalTransition, match="left behind"):
        reconsider_referral(loser, by=BY, wall=NOON, reason="Please.")


# --- Rewards ------------------------------------------------------------------------


def test_rewards_go_on_to_the_kept_person() -> None:
    rule = make_rule()
    kept, other, friend = people(rule.campaign, 3)
    credit(other, friend)
    report(friend)

    merge(kept, other)

    assert Reward.objects.get().recipient == kept


def test_friend_of_two_advocates_is_paid_for_once() -> None:
    """Two rows of one friend bought something, each for another advocate."""
    campaign = make_campaign()
    for side in ("advocate", "friend"):
        make_rule(campaign=campaign, side=side)
    kept, other, ann, bob = people(campaign, 4)
    first = credit(ann, kept, created_at=NOON - 2 * DAY)
    second = credit(bob, other)
    for friend in (kept, other):
        report(friend)
    review_rewards(wall=NOON)
    issued = Reward.objects.get(referral=second, recipient=bob)
    issue_reward(issued, by=BY, wall=NOON, reference="p-1")

    merge(kept, other)

    live = Reward.objects.exclude(status__in=["cancelled", "issued"])
    assert {(row.referral, row.recipient) for row in live} == {
        (first, ann),
        (first, kept),
    }
    issued.refresh_from_db()
    assert issued.disputed_at is not None
    cancelled = Reward.objects.get(referral=second, side="friend")
    assert (cancelled.status, cancelled.recipient) == ("cancelled", kept)


# --- Over the API -------------------------------------------------------------------


def test_people_are_merged_over_the_api(api: APIClient, campaign: Campaign) -> None:
    kept, other = people(campaign, 2)
    url = f"/api/v1/participants/{kept.public_id}/merge"
    body = {"participant": other.public_id}

    answers = [api.post(url, body) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["id"] == kept.public_id
    left = api.get(f"/api/v1/participants/{other.public_id}").json()
    assert (left["status"], left["merged_into"]) == ("erased", kept.public_id)


@pytest.mark.parametrize("who", ["themselves", "stranger", "nonsense"])
def test_whoever_cannot_be_merged_is_a_422(
    api: APIClient, campaign: Campaign, who: str
) -> None:
    (kept,) = people(campaign, 1)
    named = {"themselves": kept.public_id, "stranger": make_participant().public_id}

    answer = api.post(
        f"/api/v1/participants/{kept.public_id}/merge",
        {"participant": named.get(who, "ptc_1")},
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/participant"
