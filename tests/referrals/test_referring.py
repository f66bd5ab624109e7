"""Crediting an advocate with a friend: by which way, and when it is refused."""

from datetime import timedelta

import pytest
from django.core.signing import Signer

from referral_factory.errors import InvalidInput
from referral_factory.ids import to_public
from referrals.cookies import COOKIE, sign_click
from referrals.models import Campaign, Click, Participant, Referral, RefusedClaim
from referrals.services.clicks import record_click
from tests.factories import NOBODY, make_campaign, make_participant, make_referral
from tests.steps import DAY, NOON, enrol
from webhooks.models import Message


def click_on(advocate: Participant, **fields: object) -> Click:
    defaults = {"address": "192.0.2.1", "user_agent": "Firefox", "wall": NOON}
    return record_click(advocate, parameters={}, **{**defaults, **fields})  # type: ignore[arg-type]


def test_friend_is_referred_by_every_way() -> None:
    campaign = make_campaign()
    ann = make_participant(campaign=campaign, external_id="c-1", email="a@shop.example")
    claims = {
        "by_participant": ann.public_id,
        "by_external_id": "c-1",
        "by_email": "A@shop.example",
        "by_click": click_on(ann).public_id,
        "by_code": ann.code.lower(),
        "by_cookie": sign_click(click_on(ann)),
    }

    for number, (way, value) in enumerate(claims.items()):
        referral = enrol(campaign, external_id=f"f-{number}", **{way: value}).referral
        assert referral is not None
        assert referral.advocate == ann
        assert f"by_{referral.way}" == way


def test_referral_remembers_its_click_and_its_window() -> None:
    campaign = make_campaign(milestone_within_days=30)
    click = click_on(make_participant(campaign=campaign), wall=NOON - DAY)

    referral = enrol(campaign, external_id="f", by_click=click.public_id).referral

    assert referral is not None
    referral.refresh_from_db()
    assert referral.click_id == click.pk
    assert referral.clicked_at == NOON - DAY
    assert referral.click_address == "192.0.2.1"
    assert referral.click_user_agent == "Firefox"
    assert referral.created_at == NOON
    assert referral.expires_at == NOON + 30 * DAY


def test_repeating_a_claim_finds_the_same_referral() -> None:
    campaign = make_campaign()
    ann = make_participant(campaign=campaign)
    first = enrol(campaign, external_id="f", by_code=ann.code)

    again = enrol(campaign, external_id="f", by_participant=ann.public_id)

    assert first.referral_created
    assert not again.referral_created
    assert again.referral == first.referral
    assert Message.objects.filter(type="referral.created").count() == 1


def test_repeating_a_claim_is_fine_whatever_happened_since() -> None:
    referral = make_referral()
    Participant.objects.filter(pk=referral.advocate_id).update(status="blocked")
    Campaign.objects.update(status="paused")
    referral.campaign.refresh_from_db()

    again = enrol(
        referral.campaign,
        external_id=referral.friend.external_id,
        by_code=referral.advocate.code,
    )

    assert again.referral == referral


def test_known_person_can_be_referred_later() -> None:
    campaign = make_campaign()
    enrol(campaign, external_id="f")

    enrolment = enrol(
        campaign, external_id="f", by_code=make_participant(campaign=campaign).code
    )

    assert not enrolment.created
    assert enrolment.referral_created


def refused(reason: str, campaign: Campaign, **fields: object) -> RefusedClaim:
    """It is refused for this reason; the friend is enrolled, and the claim kept."""
    before = Referral.objects.count()
    enrolment = enrol(campaign, **fields)
    assert enrolment.referral is None
    assert Referral.objects.count() == before
    assert not Message.objects.filter(type="referral.created").exists()
    (kept,) = RefusedClaim.objects.all()
    assert [kept] == list(enrolment.refused)
    assert (kept.reason, kept.friend) == (reason, enrolment.participant)
    return kept


def test_nobody_refers_themselves() -> None:
    ann = make_participant(external_id="c-1")
    refused(
        "self_referral", ann.campaign, external_id="c-1", by_code=ann.code, name="Other"
    )
    ann.refresh_from_db()
    assert ann.name == "Other"


def test_nobody_refers_themselves_by_an_alias() -> None:
    ann = make_participant(email="ann.lee@gmail.com", external_id=None)
    refused(
        "self_referral", ann.campaign, email="annlee+2@googlemail.com", by_code=ann.code
    )


def test_two_people_do_not_refer_each_other() -> None:
    referral = make_referral()
    refused(
        "referral_loop",
        referral.campaign,
        external_id=referral.advocate.external_id,
        by_code=referral.friend.code,
    )


def test_three_people_do_not_refer_each_other_in_a_ring() -> None:
    first = make_referral()
    second = make_referral(advocate=first.friend)
    refused(
        "referral_loop",
        first.campaign,
        external_id=first.advocate.external_id,
        by_code=second.friend.code,
    )


def test_chain_that_closes_no_ring_is_fine() -> None:
    first = make_referral()
    second = make_referral(advocate=first.friend)
    third = make_participant(campaign=first.campaign)

    enrolment = enrol(
        first.campaign, external_id=third.external_id, by_code=second.friend.code
    )

    assert enrolment.referral_created


def test_blocked_advocate_gets_no_credit() -> None:
    ann = make_participant(status="blocked")
    refused("participant_blocked", ann.campaign, external_id="f", by_code=ann.code)


def test_blocked_friend_is_not_referred() -> None:
    friend = make_participant(status="blocked")
    ann = make_participant(campaign=friend.campaign)
    refused(
        "participant_blocked",
        ann.campaign,
        external_id=friend.external_id,
        by_code=ann.code,
    )


def test_first_claim_wins() -> None:
    referral = make_referral()
    other = make_participant(campaign=referral.campaign)
    refused(
        "already_referred",
        referral.campaign,
        external_id=referral.friend.external_id,
        by_code=other.code,
    )


def test_customer_is_not_referred() -> None:
    ann = make_participant()
    refused(
        "already_customer",
        ann.campaign,
        external_id="f",
        by_code=ann.code,
        customer_since=NOON - DAY,
    )


def test_becoming_a_customer_now_is_no_hindrance() -> None:
    ann = make_participant()

    enrolment = enrol(
        ann.campaign, external_id="f", by_code=ann.code, customer_since=NOON
    )

    assert enrolment.referral_created


def test_becoming_a_customer_after_the_click_is_no_hindrance() -> None:
    ann = make_participant()
    click = click_on(ann, wall=NOON - 2 * DAY)

    enrolment = enrol(
        ann.campaign,
        external_id="f",
        by_click=click.public_id,
        customer_since=NOON - DAY,
    )

    assert enrolment.referral_created


def test_old_click_earns_nothing() -> None:
    ann = make_participant(campaign=make_campaign(attribution_days=30))
    click = click_on(ann, wall=NOON - 30 * DAY - timedelta(seconds=1))
    refused("link_too_old", ann.campaign, external_id="f", by_click=click.public_id)


def test_click_counts_to_the_last_second_of_its_window() -> None:
    ann = make_participant(campaign=make_campaign(attribution_days=30))
    click = click_on(ann, wall=NOON - 30 * DAY)

    assert enrol(ann.campaign, external_id="f", by_click=click.public_id).referral


@pytest.mark.parametrize("status", ["paused", "ended"])
def test_campaign_that_is_not_live_makes_no_referral(status: str) -> None:
    campaign = make_campaign(status=status, ended_at=NOON)
    ann, friend = [make_participant(campaign=campaign) for _ in range(2)]
    refused(
        "campaign_not_open", campaign, external_id=friend.external_id, by_code=ann.code
    )


@pytest.mark.parametrize(
    ("way", "value"),
    [
        ("participant", to_public("ptc", NOBODY)),
        ("participant", "ann"),
        ("participant", to_public("cmp", NOBODY)),
        ("external_id", "nobody"),
        ("email", "nobody@shop.example"),
        ("email", "nobody"),
    ],
)
def test_advocate_named_outright_must_be_somebody(way: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        enrol(make_campaign(), external_id="f", **{f"by_{way}": value})
    assert refusal.value.pointer == f"/referred_by/{way}"
    assert not Participant.objects.exists()


@pytest.mark.parametrize(
    ("way", "value"),
    [
        ("click", to_public("clk", NOBODY)),
        ("click", "clk_1"),
        ("code", "NOBODY"),
        ("cookie", "nothing-of-ours"),
        ("cookie", Signer(salt=COOKIE).sign("nothing-of-ours")),
        ("cookie", Signer(salt="another").sign("")),
    ],
)
def test_what_a_browser_brings_stops_nobody_from_enrolling(
    way: str, value: str
) -> None:
    kept = refused("unknown", make_campaign(), external_id="f", **{f"by_{way}": value})
    assert (kept.way, kept.value, kept.advocate) == (way, value, None)


def test_advocate_of_another_campaign_is_nobody() -> None:
    stranger = make_participant()
    click = click_on(stranger)
    enrolment = enrol(
        make_campaign(),
        external_id="f",
        by_click=click.public_id,
        by_code=stranger.code,
        by_cookie=sign_click(click),
    )
    assert [claim.reason for claim in enrolment.refused] == ["unknown"] * 3
    with pytest.raises(InvalidInput):
        enrol(make_campaign(), external_id="f", by_participant=stranger.public_id)
