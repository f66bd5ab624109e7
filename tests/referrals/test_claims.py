"""What becomes of claims: credited with marks, or refused and kept, once."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from referrals.attribution import Claim, Way
from referrals.cookies import sign_click
from referrals.models import Participant, Referral, RefusedClaim, Tombstone
from referrals.services.inviting import invite_friends
from referrals.services.locks import email_name
from referrals.services.referring import refer_friends
from referrals.services.tombstones import digest_of
from rewards.models import Reward
from rewards.services.reviewing import review_rewards
from tests.factories import make_campaign, make_participant, make_referral, make_rule
from tests.referrals.test_referring import click_on
from tests.steps import DAY, NOON, checks, enrol, report
from webhooks.models import Message


def known(**fields: Any) -> Participant:
    """Somebody who was enrolled a week ago."""
    return make_participant(**{"created_at": NOON - 7 * DAY, **fields})


def kept() -> list[tuple[str, str]]:
    rows = RefusedClaim.objects.order_by("id")
    return list(rows.values_list("way", "reason"))


# --- Marks ---


def test_friend_who_was_there_before_the_advocate_gets_a_mark() -> None:
    friend = known()
    late = known(campaign=friend.campaign, created_at=NOON - DAY)

    made = enrol(
        friend.campaign, external_id=friend.external_id, by_code=late.code
    ).referral

    assert made is not None
    made.refresh_from_db()
    assert [mark["code"] for mark in made.marks] == ["friend_before_advocate"]
    failed = [c["check"] for c in made.decision["checks"] if not c["passed"]]
    assert failed == ["advocate_came_first"]


def test_click_after_enrolling_is_credited_with_a_mark() -> None:
    friend = known()
    ann = known(campaign=friend.campaign, created_at=NOON - 9 * DAY)
    cookie = sign_click(click_on(ann, wall=NOON - DAY))

    made = enrol(friend.campaign, external_id=friend.external_id, by_cookie=cookie)

    assert made.referral is not None
    assert [mark["code"] for mark in made.referral.marks] == ["click_after_enrolment"]
    assert made.referral.clicked_at == NOON - DAY
    assert made.referral.click_user_agent == "Firefox"


def test_rewards_of_a_marked_referral_wait_for_a_person() -> None:
    friend = known()
    for side in ("advocate", "friend"):
        make_rule(campaign=friend.campaign, side=side)
    late = known(campaign=friend.campaign, created_at=NOON - DAY)
    enrol(friend.campaign, external_id=friend.external_id, by_code=late.code)
    report(friend)

    review_rewards(wall=NOON)

    for reward in Reward.objects.all():
        assert reward.status == "flagged"
        (reason,) = reward.reasons
        assert reason["code"] == "doubtful_attribution"
        assert list(reason["evidence"]) == ["friend_before_advocate"]
    assert Reward.objects.count() == 2


# --- A click after the fact ---


@pytest.mark.parametrize("way", ["click", "cookie"])
def test_what_was_bought_before_the_click_does_not_qualify_the_referral(
    way: str,
) -> None:
    campaign = make_campaign()
    ann = known(campaign=campaign)
    name = {"external_id": "f"}
    report(name, campaign=campaign, occurred_at=NOON - 2 * DAY, event_id="before")
    click = click_on(ann, wall=NOON - DAY)
    value = click.public_id if way == "click" else sign_click(click)

    made = enrol(campaign, external_id="f", **{f"by_{way}": value})

    before = report(name, campaign=campaign, event_id="before")
    assert before.event.outcome == "not_matched"
    assert checks(before)["after_the_click"] is False
    assert made.referral is not None
    made.referral.refresh_from_db()
    assert made.referral.status == "pending"
    assert report(made.participant).outcome == "qualified"


def test_without_a_click_what_was_bought_a_little_earlier_counts() -> None:
    campaign = make_campaign()
    ann = known(campaign=campaign)
    report({"external_id": "f"}, campaign=campaign, occurred_at=NOON - 2 * DAY)

    made = enrol(campaign, external_id="f", by_code=ann.code).referral

    assert made is not None
    made.refresh_from_db()
    assert made.status == "qualified"


# --- Refused, and kept ---


def test_somebody_erased_who_comes_back_is_not_referred() -> None:
    ann = known()
    for name in (email_name("fred@shop.example"), "external_id:f-1"):
        Tombstone.objects.create(campaign=ann.campaign, digest=digest_of(name))

    by_mailbox = enrol(ann.campaign, email="Fred@shop.example", by_code=ann.code)
    by_id = enrol(ann.campaign, external_id="f-1", by_code=ann.code)

    assert by_mailbox.created and by_id.created  # noqa: PT018 - one fact
    assert kept() == [("code", "known_before")] * 2


def test_public_form_refers_nobody_who_is_known() -> None:
    ann, friend = known(), known()
    form = Claim(Way.CODE, ann.code, proved=False)
    friend = known(campaign=ann.campaign)

    old = enrol(ann.campaign, external_id=friend.external_id, claims=(form,))
    new = enrol(ann.campaign, external_id="f-1", claims=(form,))

    assert old.referral is None
    assert new.referral_created
    assert kept() == [("code", "mailbox_not_confirmed")]


def test_later_claim_of_another_advocate_is_kept_and_changes_nothing() -> None:
    referral = make_referral()
    bob = known(campaign=referral.campaign)
    for _ in range(2):
        enrolment = enrol(
            referral.campaign,
            external_id=referral.friend.external_id,
            by_code=bob.code,
        )
    assert enrolment.referral is None
    (claim,) = RefusedClaim.objects.all()
    assert (claim.advocate, claim.reason) == (bob, "already_referred")
    assert referral.public_id in claim.detail
    assert claim.decision["rules"]["attribution_days"] == 30
    assert Referral.objects.get() == referral


def test_code_is_as_old_as_the_click_that_brought_it() -> None:
    ann = known()
    old = click_on(ann, wall=NOON - 31 * DAY)

    made = enrol(
        ann.campaign, external_id="f", by_click=old.public_id, by_code=ann.code
    )

    assert made.referral is None
    assert kept() == [("click", "link_too_old"), ("code", "link_too_old")]


def test_code_of_another_advocate_than_the_click_has_no_date() -> None:
    ann = known()
    bob = known(campaign=ann.campaign)
    old = click_on(ann, wall=NOON - 31 * DAY)

    made = enrol(
        ann.campaign, external_id="f", by_click=old.public_id, by_code=bob.code
    )

    assert made.referral is not None
    assert made.referral.advocate == bob


def test_repeating_a_call_repeats_its_answer_and_changes_nothing() -> None:
    ann = known()
    bob = known(campaign=ann.campaign)
    old = click_on(bob, wall=NOON - 31 * DAY)
    claims = {
        "by_click": old.public_id,
        "by_code": ann.code,
        "by_cookie": sign_click(click_on(bob)),
    }

    first, again = [enrol(ann.campaign, external_id="f", **claims) for _ in range(2)]

    assert first.referral == again.referral
    said = [("click", "link_too_old"), ("cookie", "stronger_claim")]
    for enrolment in (first, again):
        assert [(c.way, c.reason) for c in enrolment.refused] == said
    assert kept() == said
    assert not again.referral_created
    assert Message.objects.filter(type="referral.created").count() == 1


def test_claim_that_leads_to_a_row_that_was_merged_credits_who_is_left() -> None:
    ann = known()
    last = known(campaign=ann.campaign)
    middle = gone(last)
    first = gone(middle)

    click = click_on(first)
    by_click = enrol(ann.campaign, external_id="f-1", by_click=click.public_id)
    by_id = enrol(ann.campaign, external_id="f-2", by_participant=first.public_id)

    for made in (by_click.referral, by_id.referral):
        assert made is not None
        assert made.advocate == last


def gone(into: Participant) -> Participant:
    row = known(campaign=into.campaign)
    Participant.objects.filter(pk=row.pk).update(
        status="erased",
        erased_at=NOON,
        merged_into=into,
        email=None,
        email_canonical=None,
        external_id=None,
    )
    return row


# --- Invitations ---


def test_newcomer_with_an_invited_mailbox_was_referred_by_the_first_inviter() -> None:
    ann = known()
    bob = known(campaign=ann.campaign)
    invite_friends(ann, ["F.red+shop@gmail.com"], wall=NOON - 2 * DAY)
    invite_friends(bob, ["fred@gmail.com"], wall=NOON - DAY)

    made = enrol(ann.campaign, email="fred@googlemail.com")

    assert made.referral_created
    assert made.referral is not None
    assert (made.referral.way, made.referral.advocate) == ("invitation", ann)


def test_stronger_claim_wins_over_an_invitation() -> None:
    ann = known()
    bob = known(campaign=ann.campaign)
    invite_friends(ann, ["fred@shop.example"], wall=NOON)

    made = enrol(ann.campaign, email="fred@shop.example", by_code=bob.code)

    assert made.referral is not None
    assert made.referral.advocate == bob
    assert kept() == [("invitation", "stronger_claim")]
    assert "@" not in RefusedClaim.objects.get().value


def test_invitation_wins_over_a_cookie() -> None:
    ann = known()
    bob = known(campaign=ann.campaign)
    invite_friends(ann, ["fred@shop.example"], wall=NOON)
    cookie = sign_click(click_on(bob))

    made = enrol(ann.campaign, email="fred@shop.example", by_cookie=cookie)

    assert made.referral is not None
    assert made.referral.advocate == ann
    assert kept() == [("cookie", "stronger_claim")]


def test_inviter_who_is_not_active_any_more_stands_in_nobodys_way() -> None:
    ann = known()
    bob = known(campaign=ann.campaign)
    for day, advocate in enumerate([ann, bob]):
        invite_friends(advocate, ["fred@shop.example"], wall=NOON - (2 - day) * DAY)
    Participant.objects.filter(pk=ann.pk).update(status="blocked")

    made = enrol(ann.campaign, email="fred@shop.example").referral

    assert made is not None
    assert made.advocate == bob


def test_old_invitation_makes_way_for_one_that_counts() -> None:
    ann = known()
    bob = known(campaign=ann.campaign)
    invite_friends(ann, ["fred@shop.example"], wall=NOON - 31 * DAY)
    invite_friends(bob, ["fred@shop.example"], wall=NOON - DAY)

    made = enrol(ann.campaign, email="fred@shop.example").referral

    assert made is not None
    assert made.advocate == bob


def test_invitation_that_is_too_old_is_refused_and_kept() -> None:
    ann = known()
    invite_friends(ann, ["fred@shop.example"], wall=NOON - 31 * DAY)

    assert enrol(ann.campaign, email="fred@shop.example").referral is None
    assert kept() == [("invitation", "link_too_old")]


def test_invitation_of_somebody_known_counts_for_nothing() -> None:
    ann = known()
    friend = known(campaign=ann.campaign)
    (invited,) = invite_friends(ann, [str(friend.email)], wall=NOON)

    made = enrol(ann.campaign, external_id=friend.external_id)

    assert invited.outcome == "invited"  # as for anybody else
    assert made.referral is None


# --- Many at once ---


def newcomers(ann: Participant, number: int) -> list[Participant]:
    people = [
        make_participant(campaign=ann.campaign, created_at=NOON) for _ in range(number)
    ]
    invite_friends(ann, [str(person.email) for person in people], wall=NOON)
    return people


def test_newcomers_are_referred_in_as_many_queries_for_ten_as_for_two() -> None:
    ann = known()
    bob = known(campaign=ann.campaign, external_id="bob")
    counts = []
    for number in (2, 10):
        claims = [
            (Claim(Way.EXTERNAL_ID, "bob"), Claim(Way.CODE, ann.code)),
            (Claim(Way.CLICK, click_on(ann).public_id), Claim(Way.CODE, "NOBODY")),
        ]
        people = newcomers(ann, number)
        friends = [(p, claims[n % 2]) for n, p in enumerate(people)]
        with CaptureQueriesContext(connection) as seen:
            made = refer_friends(ann.campaign, friends, wall=NOON, new=True)
        counts.append(len(seen))
        assert all(each.created for each in made)
        advocates = {each.referral.advocate for each in made if each.referral}
        assert advocates == {ann, bob}
    assert counts[0] == counts[1]
    told = Message.objects.filter(type="referral.created").count()
    assert told == 12


def test_people_known_are_referred_in_order_and_close_no_ring_among_them() -> None:
    ann = known()
    bob, cid = [known(campaign=ann.campaign) for _ in range(2)]
    ring = [(ann, bob), (bob, cid), (cid, ann)]
    friends = [(friend, (Claim(Way.CODE, by.code),)) for friend, by in ring]

    made = refer_friends(ann.campaign, friends, wall=NOON, new=False)

    assert [each.created for each in made] == [True, True, False]
    assert [c.reason for c in made[2].refused] == ["referral_loop"]


def test_one_person_twice_in_a_batch_is_referred_once() -> None:
    ann = known()
    bob, friend = [known(campaign=ann.campaign) for _ in range(2)]
    claims = [(Claim(Way.CODE, by.code),) for by in (ann, bob, ann)]

    made = refer_friends(
        ann.campaign, [(friend, each) for each in claims], wall=NOON, new=False
    )

    assert [each.created for each in made] == [True, False, False]
    assert made[0].referral == made[2].referral
    assert [c.reason for c in made[1].refused] == ["already_referred"]
    assert Referral.objects.count() == 1


def test_refused_claims_hold_no_name_of_anybody_in_what_was_seen() -> None:
    """So that erasing somebody need not touch an explanation."""
    ann = known(email="ann@shop.example", external_id="ann-1", name="Ann")
    claims = {"by_email": "ann@shop.example", "by_code": ann.code}
    enrol(ann.campaign, external_id="ann-1", **claims)
    enrol(ann.campaign, external_id="fred-1", email="fred@shop.example", **claims)

    seen = [str(claim.decision) + claim.detail for claim in RefusedClaim.objects.all()]
    seen += [str(referral.decision) for referral in Referral.objects.all()]

    assert len(seen) == 3
    for text in seen:
        for name in ("ann@", "ann-1", "Ann", "fred", ann.code):
            assert name not in text
