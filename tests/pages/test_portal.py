"""An advocate's own page: what it shows, to whom, and what it keeps to itself."""

from decimal import Decimal
from typing import Any

import pytest
from django.core import signing
from django.test import Client

from referral_factory.pages import earnings, friends
from referrals.joining import portal_path
from referrals.models import FormerCode, Participant, Referral
from rewards.models import Reward
from tests.api.callers import caller
from tests.factories import (
    make_campaign,
    make_key,
    make_participant,
    make_referral,
    make_reward,
)
from tests.pages.forms import Answer, says


@pytest.fixture
def ann() -> Participant:
    return make_participant(name="Ann Lee")


def portal(client: Client, person: Participant, **headers: Any) -> Answer:
    return client.get(portal_path(person), headers=headers)


def make_friend(advocate: Participant, name: str, **fields: Any) -> Referral:
    friend = make_participant(campaign=advocate.campaign, name=name)
    return make_referral(advocate=advocate, friend=friend, **fields)


def test_it_shows_the_link_its_qr_code_and_ways_to_share_it(
    client: Client, ann: Participant
) -> None:
    page = portal(client, ann)
    for shown in (ann.link, f"/r/{ann.code}/qr.svg", "https://wa.me/?text=", "mailto:"):
        assert says(page, shown)


def test_what_is_shared_is_what_the_campaign_prepared(client: Client) -> None:
    text = "Try {campaign}, it is on me: {link}"
    campaign = make_campaign(name="Tea & Co", join={"share_text": text})
    ann = make_participant(campaign=campaign)
    page = portal(client, ann)
    assert says(page, f"Try Tea & Co, it is on me: {ann.link}")
    assert says(page, "Try%20Tea%20%26%20Co%2C%20it%20is%20on%20me")


def test_an_empty_page_says_what_comes(client: Client, ann: Participant) -> None:
    page = portal(client, ann)
    assert says(page, "Nobody yet.")
    assert says(page, "None yet.")


def test_friends_are_shown_by_first_name_and_initial(
    client: Client, ann: Participant
) -> None:
    referral = make_friend(ann, "Bea Mary Kiddo", status="qualified")
    page = portal(client, ann)
    assert says(page, "Bea K.")
    assert not says(page, "Kiddo")
    assert not says(page, str(referral.friend.email))


@pytest.mark.parametrize("name", ["", "bea@mail.example", "+49 170 1234567", "x/y"])
def test_what_is_no_name_is_not_shown_as_one(
    client: Client, ann: Participant, name: str
) -> None:
    make_friend(ann, name)
    page = portal(client, ann)
    assert says(page, "A friend")
    assert not name or not says(page, name.split()[0])


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("pending", "Being checked"),
        ("flagged", "Being checked"),
        ("approved", "On its way"),
        ("issued", "Received"),
        ("rejected", "Not granted"),
        ("cancelled", "Not granted"),
        ("clawed_back", "Taken back"),
    ],
)
def test_a_reward_is_told_in_plain_words(
    client: Client, ann: Participant, status: str, words: str
) -> None:
    referral = make_friend(ann, "Bea", status="qualified")
    make_reward(referral=referral, status=status)
    page = portal(client, ann)
    assert says(page, words)
    assert not says(page, "flagged")
    assert not says(page, "amount_over_limit")


def test_every_status_has_words(client: Client, ann: Participant) -> None:
    assert set(earnings.WORDS) == set(Reward.Status)
    assert set(friends.WORDS) == set(Referral.Status)


def test_totals_are_of_each_currency(client: Client, ann: Participant) -> None:
    referral = make_friend(ann, "Bea", status="qualified")
    for occurrence, (status, currency) in enumerate(
        [("issued", "USD"), ("issued", "USD"), ("flagged", "USD"), ("issued", "EUR")]
    ):
        make_reward(
            referral=referral,
            status=status,
            amount=Decimal(10),
            currency=currency,
            occurrence=occurrence,
        )
    page = portal(client, ann)
    assert says(page, "$20.00")
    assert says(page, "$10.00 being checked")
    assert says(page, "€10.00")


def test_ones_own_reward_for_joining_is_shown_and_the_advocate_is_not(
    client: Client, ann: Participant
) -> None:
    advocate = make_participant(campaign=ann.campaign, name="Zoe Secret")
    referral = make_referral(advocate=advocate, friend=ann, status="qualified")
    make_reward(referral=referral, recipient=ann, status="issued")
    page = portal(client, ann)
    assert says(page, "For joining")
    assert not says(page, "Zoe")


def test_nobody_else_keeps_it_finds_it_or_hears_of_it(
    client: Client, ann: Participant
) -> None:
    headers = portal(client, ann).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_a_new_code_ends_the_old_address(client: Client, ann: Participant) -> None:
    address = portal_path(ann)
    Participant.objects.filter(pk=ann.pk).update(code="ABCDEFGH12")
    assert client.get(address).status_code == 410


def test_a_code_that_still_works_keeps_its_address(
    client: Client, ann: Participant
) -> None:
    address, code = portal_path(ann), ann.code
    Participant.objects.filter(pk=ann.pk).update(code="ANN")
    FormerCode.objects.create(code=code, participant=ann, works=True)
    assert client.get(address).status_code == 200


def test_a_blocked_person_is_told_kindly(client: Client) -> None:
    ann = make_participant(status="blocked")
    page = portal(client, ann)
    assert page.status_code == 403
    assert not says(page, ann.code)


def test_a_page_of_somebody_erased_is_gone(client: Client, ann: Participant) -> None:
    address = portal_path(ann)
    erased = {"email": None, "email_canonical": None, "external_id": None, "name": ""}
    Participant.objects.filter(pk=ann.pk).update(
        status="erased", erased_at="2026-01-01T00:00:00Z", **erased
    )
    assert client.get(address).status_code == 410


def test_a_merged_person_is_led_to_the_page_that_is_left(
    client: Client, ann: Participant
) -> None:
    address, code = portal_path(ann), ann.code
    survivor = make_participant(campaign=ann.campaign)
    Participant.objects.filter(pk=ann.pk).update(
        status="erased",
        erased_at="2026-01-01T00:00:00Z",
        email=None,
        email_canonical=None,
        external_id=None,
        name="",
        code="GONE",
        merged_into=survivor,
    )
    FormerCode.objects.create(code=code, participant=survivor, works=True)
    answer = client.get(address)
    assert answer.status_code == 302
    assert client.get(answer["Location"]).status_code == 200


def test_an_address_that_was_tampered_with_is_nobodys(
    client: Client, ann: Participant
) -> None:
    good = portal_path(ann).removeprefix("/portal/")
    forged = signing.dumps([ann.public_id, ann.code], salt="mine")
    for token in (good[:-1], good + "x", forged, "x", "%E2%80%AE", "a" * 5000):
        assert client.get(f"/portal/{token}").status_code == 404


def test_a_page_takes_the_same_few_queries_for_many_friends(
    client: Client, ann: Participant, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        referral = make_friend(ann, f"Bea{number}", status="qualified")
        make_reward(referral=referral, status="issued")
    with django_assert_max_num_queries(8):
        portal(client, ann)


def test_names_and_headings_are_text_and_nothing_else(client: Client) -> None:
    evil = "<script>alert(1)</script>"
    campaign = make_campaign(name=evil)
    ann = make_participant(campaign=campaign, name=f"{evil} x")
    make_friend(ann, f"{evil[:8]} {evil}")
    page = portal(client, ann).content.decode()
    assert "<script>alert" not in page


def test_a_backend_can_hand_the_address_out(ann: Participant, client: Client) -> None:
    api = caller(make_key())
    answer = api.post(f"/api/v1/participants/{ann.public_id}/portal-link")
    path = "/" + answer.json()["url"].split("/", 3)[3]
    assert client.get(path).status_code == 200


def test_reading_people_is_not_enough_to_open_their_pages(ann: Participant) -> None:
    api = caller(make_key(scopes=["participants:read"]))
    answer = api.post(f"/api/v1/participants/{ann.public_id}/portal-link")
    assert answer.status_code == 403
