"""Crediting an advocate with a friend: by which way, and when it is refused."""

from datetime import timedelta

import pytest

from referral_factory.errors import DomainError, InvalidInput
from referral_factory.ids import to_public
from referrals.attribution import (
    AlreadyCustomer,
    AlreadyReferred,
    LinkTooOld,
    ParticipantBlocked,
    ReferralLoop,
    SelfReferral,
)
from referrals.models import Campaign, Click, Participant, Referral
from referrals.services.campaigns import CampaignNotOpen
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


def refused(error: type[DomainError], campaign: Campaign, **fields: object) -> None:
    """It is refused for this reason, and nothing of it is left behind."""
    before = [Participant.objects.count(), Referral.objects.count()]
    with pytest.raises(error):
        enrol(campaign, **fields)
    assert [Participant.objects.count(), Referral.objects.count()] == before
    assert not Message.objects.exists()


def test_nobody_refers_themselves() -> None:
    ann = make_participant(external_id="c-1")
    refused(
        SelfReferral, ann.campaign, external_id="c-1", by_code=ann.code, name="Other"
    )
    ann.refresh_from_db()
    assert ann.name == ""


def test_nobody_refers_themselves_by_an_alias() -> None:
    ann = make_participant(email="ann.lee@gmail.com", external_id=None)
    refused(
        SelfReferral, ann.campaign, email="annlee+2@googlemail.com", by_code=ann.code
    )


def test_two_people_do_not_refer_each_other() -> None:
    referral = make_referral()
    refused(
        ReferralLoop,
        referral.campaign,
        external_id=referral.advocate.external_id,
        by_code=referral.friend.code,
    )


def test_three_people_do_not_refer_each_other_in_a_ring() -> None:
    first = make_referral()
    second = make_referral(advocate=first.friend)
    refused(
        ReferralLoop,
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
    refused(ParticipantBlocked, ann.campaign, external_id="f", by_code=ann.code)


def test_blocked_friend_is_not_referred() -> None:
    friend = make_participant(status="blocked")
    ann = make_participant(campaign=friend.campaign)
    refused(
        ParticipantBlocked,
        ann.campaign,
        external_id=friend.external_id,
        by_code=ann.code,
    )


def test_first_claim_wins() -> None:
    referral = make_referral()
    other = make_participant(campaign=referral.campaign)
    refused(
        AlreadyReferred,
        referral.campaign,
        external_id=referral.friend.external_id,
        by_code=other.code,
    )


def test_customer_is_not_referred() -> None:
    ann = make_participant()
    refused(
        AlreadyCustomer,
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
    refused(LinkTooOld, ann.campaign, external_id="f", by_click=click.public_id)


def test_click_counts_to_the_last_second_of_its_window() -> None:
    ann = make_participant(campaign=make_campaign(attribution_days=30))
    click = click_on(ann, wall=NOON - 30 * DAY)

    assert enrol(ann.campaign, external_id="f", by_click=click.public_id).referral


@pytest.mark.parametrize("status", ["paused", "draft", "ended"])
def test_campaign_that_is_not_live_makes_no_referral(status: str) -> None:
    campaign = make_campaign(status=status, ended_at=NOON)
    ann, friend = [make_participant(campaign=campaign) for _ in range(2)]
    refused(CampaignNotOpen, campaign, external_id=friend.external_id, by_code=ann.code)


@pytest.mark.parametrize(
    ("way", "value"),
    [
        ("participant", to_public("ptc", NOBODY)),
        ("participant", "ann"),
        ("participant", to_public("cmp", NOBODY)),
        ("external_id", "nobody"),
        ("email", "nobody@shop.example"),
        ("email", "nobody"),
        ("click", to_public("clk", NOBODY)),
        ("click", "clk_1"),
        ("code", "NOBODY"),
    ],
)
def test_claim_that_leads_nowhere_is_refused_by_name(way: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        enrol(make_campaign(), external_id="f", **{f"by_{way}": value})
    assert refusal.value.pointer == f"/referred_by/{way}"
    assert not Participant.objects.exists()


def test_advocate_of_another_campaign_is_nobody() -> None:
    stranger = make_participant()
    click = click_on(stranger)
    for claim in [
        {"by_code": stranger.code},
        {"by_click": click.public_id},
        {"by_participant": stranger.public_id},
    ]:
        with pytest.raises(InvalidInput):
            enrol(make_campaign(), external_id="f", **claim)
