"""The enrolment page with confirmation: nobody joins before their mailbox answers."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from referrals.joining import confirmation_url
from referrals.models import (
    Campaign,
    Consent,
    JoinRequest,
    Participant,
    Referral,
    RefusedClaim,
)
from referrals.services.campaigns import change_campaign
from referrals.tasks import drop_join_requests
from tests.factories import make_participant
from tests.pages.forms import PERSON, Answer, open_campaign, says, send


@pytest.fixture(autouse=True)
def _email(settings: Settings) -> None:
    settings.EMAIL_URL = "smtp://mail.example"


@pytest.fixture
def campaign() -> Campaign:
    return open_campaign(join={"confirm_email": True})


def asked() -> JoinRequest:
    return JoinRequest.objects.select_related("campaign").latest("created_at")


def link_of(request: JoinRequest) -> str:
    return "/" + confirmation_url(request).split("/", 3)[3]


def confirm(client: Client) -> Answer:
    return client.post(link_of(asked()))


def test_nobody_is_enrolled_before_they_confirm(
    client: Client, campaign: Campaign
) -> None:
    answer = send(client, campaign)
    assert says(client.get(answer["Location"]), "Look into your mailbox")
    assert not Participant.objects.exists()
    assert asked().email == PERSON["email"]


def test_opening_the_link_confirms_nothing(client: Client, campaign: Campaign) -> None:
    send(client, campaign)
    assert says(client.get(link_of(asked())), "Yes, that is me")
    assert client.head(link_of(asked())).status_code == 200
    assert not Participant.objects.exists()


def test_confirming_enrols_and_leads_to_ones_own_page(
    client: Client, campaign: Campaign
) -> None:
    send(client, campaign)
    answer = confirm(client)
    ann = Participant.objects.get()
    assert (ann.name, ann.source) == ("Ann Lee", "join")
    assert ann.confirmed_at is not None
    assert not JoinRequest.objects.exists()
    assert says(client.get(answer["Location"]), "Ann")


def test_the_friend_is_credited_when_they_confirm(
    client: Client, campaign: Campaign
) -> None:
    advocate = make_participant(campaign=campaign)
    send(client, campaign, f"?ref={advocate.code}")
    confirm(client)
    assert Referral.objects.get().advocate == advocate


def test_confirming_fills_in_only_what_is_empty(
    client: Client, campaign: Campaign
) -> None:
    fields = [{"name": "town", "label": "Town"}, {"name": "pet", "label": "Pet"}]
    change_campaign(campaign, fields=fields)
    ann = make_participant(
        campaign=campaign,
        email=PERSON["email"],
        name="Annabel",
        attributes={"town": "Ulm"},
    )
    send(client, campaign, field_town="Bonn", field_pet="Cat")
    confirm(client)
    ann.refresh_from_db()
    assert (ann.name, ann.source) == ("Annabel", "api")
    assert ann.attributes == {"town": "Ulm", "pet": "Cat"}
    assert ann.confirmed_at is not None


def test_somebody_known_can_be_referred_once_their_mailbox_has_answered(
    client: Client, campaign: Campaign
) -> None:
    ann = make_participant(campaign=campaign, email=PERSON["email"])
    advocate = make_participant(campaign=campaign)
    send(client, campaign, f"?ref={advocate.code}")
    confirm(client)
    refused = RefusedClaim.objects.filter(reason="mailbox_not_confirmed")
    assert not refused.exists()
    assert Referral.objects.get(friend=ann).advocate == advocate


def test_the_consent_in_the_form_is_kept_with_the_person(
    client: Client, campaign: Campaign
) -> None:
    change_campaign(campaign, join={"consent": "I agree."})
    send(client, campaign, consent="on")
    change_campaign(campaign, join={"consent": "I agree to all."})
    assert says(client.get(link_of(asked())), "I agree.")
    confirm(client)
    assert Consent.objects.get().text.version == 1


def test_a_link_works_once(client: Client, campaign: Campaign) -> None:
    send(client, campaign)
    link = link_of(asked())
    client.post(link)
    for answer in (client.get(link), client.post(link)):
        assert answer.status_code == 410
        assert says(answer, "does not work any more")
    assert Participant.objects.count() == 1


def test_a_link_lasts_two_days(client: Client, campaign: Campaign) -> None:
    send(client, campaign)
    JoinRequest.objects.update(expires_at=timezone.now())
    assert confirm(client).status_code == 410
    assert not Participant.objects.exists()


@pytest.mark.parametrize("token", ["x", "a:b:c", "%F0%9F%98%80"])
def test_a_link_that_is_not_whole_says_so(
    client: Client, campaign: Campaign, token: str
) -> None:
    answer = client.get(f"/join/{campaign.slug}/confirm/{token}")
    assert answer.status_code == 404
    assert says(answer, "does not work any more")


def test_a_campaign_that_was_paused_meanwhile_lets_nobody_in(
    client: Client, campaign: Campaign
) -> None:
    send(client, campaign)
    Campaign.objects.update(status="paused")
    assert confirm(client).status_code == 403
    assert JoinRequest.objects.exists()


def test_what_nobody_confirms_is_forgotten(client: Client, campaign: Campaign) -> None:
    send(client, campaign)
    JoinRequest.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    send(client, campaign)
    drop_join_requests()
    assert JoinRequest.objects.count() == 1
