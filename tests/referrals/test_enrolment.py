"""Enrolling people: new, known by one name or both, or in conflict."""

import pytest

from referral_factory.errors import InvalidInput
from referral_factory.states import IllegalTransition
from referrals.models import Campaign, Participant
from referrals.services.campaigns import CampaignNotOpen
from referrals.services.participants import (
    IdentityConflict,
    block_participant,
    unblock_participant,
)
from tests.factories import make_campaign, make_participant
from tests.steps import NOON, enrol
from webhooks.models import Message


def test_new_person_is_enrolled_with_a_code_of_their_own() -> None:
    campaign = make_campaign()

    enrolment = enrol(campaign, external_id="c-1", email="Ann@Shop.example", name="Ann")

    assert enrolment.created
    ann = Participant.objects.get()
    assert (ann.external_id, ann.email, ann.name) == ("c-1", "Ann@shop.example", "Ann")
    assert ann.email_canonical == "ann@shop.example"
    assert ann.status == "active"
    assert len(ann.code) == 10
    assert ann.created_at == NOON


def test_somebody_may_come_without_an_email() -> None:
    enrolment = enrol(make_campaign(), external_id="c-1")
    assert enrolment.participant.email is None


@pytest.mark.parametrize(
    "names",
    [
        {"external_id": "c-1"},
        {"email": "ann@shop.example"},
        {"external_id": "c-1", "email": "ann@shop.example"},
    ],
)
def test_known_person_is_found_by_either_name(names: dict[str, str]) -> None:
    campaign = make_campaign()
    known = enrol(campaign, external_id="c-1", email="ann@shop.example").participant

    again = enrol(campaign, **names)

    assert not again.created
    assert again.participant.pk == known.pk
    assert Participant.objects.count() == 1


def test_certain_alias_finds_the_same_person() -> None:
    campaign = make_campaign()
    known = enrol(campaign, email="ann.lee@gmail.com").participant

    again = enrol(campaign, email="AnnLee+shop@googlemail.com")

    assert again.participant.pk == known.pk


def test_plus_at_an_unknown_domain_is_somebody_else() -> None:
    campaign = make_campaign()
    enrol(campaign, email="ann@shop.example")

    assert enrol(campaign, email="ann+2@shop.example").created


def test_enrolling_again_brings_details_up_to_date() -> None:
    campaign = make_campaign()
    enrol(campaign, external_id="c-1", name="Ann", attributes={"plan": "free"})

    enrol(campaign, external_id="c-1", attributes={"plan": "pro"})

    ann = Participant.objects.get()
    assert ann.name == "Ann"  # what is left out stays
    assert ann.attributes == {"plan": "pro"}


def test_second_name_joins_the_first() -> None:
    campaign = make_campaign()
    enrol(campaign, external_id="c-1")

    enrol(campaign, external_id="c-1", email="ann@shop.example")

    assert enrol(campaign, email="ann@shop.example").participant.external_id == "c-1"


def test_names_of_two_people_are_refused_and_both_are_named() -> None:
    campaign = make_campaign()
    ann = make_participant(campaign=campaign, external_id="c-1", email=None)
    bob = make_participant(campaign=campaign, email="bob@shop.example")

    with pytest.raises(IdentityConflict) as refusal:
        enrol(campaign, external_id="c-1", email="bob@shop.example")

    assert refusal.value.facts["participants"] == [ann.public_id, bob.public_id]
    assert ann.public_id in str(refusal.value)
    assert bob.public_id in str(refusal.value)


def test_mailbox_of_somebody_with_another_external_id_is_refused() -> None:
    campaign = make_campaign()
    ann = make_participant(campaign=campaign, external_id="c-1", email="a@shop.example")

    with pytest.raises(IdentityConflict) as refusal:
        enrol(campaign, external_id="c-2", email="a@shop.example")

    assert refusal.value.facts["participants"] == [ann.public_id]
    ann.refresh_from_db()
    assert ann.external_id == "c-1"


def test_same_person_in_two_campaigns_is_two_participants() -> None:
    first = enrol(make_campaign(), email="ann@shop.example").participant
    second = enrol(make_campaign(), email="ann@shop.example").participant
    assert first.pk != second.pk


def test_impossible_email_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput) as refusal:
        enrol(make_campaign(), email="ann@@shop.example")
    assert refusal.value.pointer == "/email"


@pytest.mark.parametrize("status", ["draft", "paused", "ended"])
def test_nobody_new_joins_a_campaign_that_is_not_live(status: str) -> None:
    campaign = make_campaign(status=status, ended_at=NOON)

    with pytest.raises(CampaignNotOpen):
        enrol(campaign, external_id="c-1")

    assert not Participant.objects.exists()


@pytest.mark.parametrize("status", ["paused", "ended"])
def test_known_people_are_brought_up_to_date_for_ever(status: str) -> None:
    campaign = make_campaign()
    enrol(campaign, external_id="c-1")
    Campaign.objects.update(status=status, ended_at=NOON)
    campaign.refresh_from_db()

    enrol(campaign, external_id="c-1", name="Ann")

    assert Participant.objects.get().name == "Ann"


def test_enrolling_is_told_once() -> None:
    campaign = make_campaign()

    enrol(campaign, external_id="c-1", name="Ann")
    enrol(campaign, external_id="c-1", name="Ann")
    enrol(campaign, external_id="c-1", name="Anne")

    told = list(Message.objects.order_by("id").values_list("type", "sequence"))
    assert told == [("participant.created", 1), ("participant.updated", 2)]


def test_blocking_is_undone_by_unblocking() -> None:
    ann = make_participant()

    block_participant(ann)
    unblock_participant(ann)

    ann.refresh_from_db()
    assert ann.status == "active"
    with pytest.raises(IllegalTransition):
        unblock_participant(ann)
