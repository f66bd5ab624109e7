"""From the form over a real message to one's own page."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from referral_factory.mail.tasks import send_emails
from referrals.models import Participant, Referral
from tests.factories import make_participant
from tests.mail.smtp import MailServer, mail_server
from tests.pages.forms import open_campaign, says, send


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    settings.EMAIL_URL = "smtp://127.0.0.1"
    settings.MAIL_FROM = "Example Shop <hello@shop.example>"
    with mail_server(settings) as running:
        yield running


def link_in(server: MailServer, pattern: str) -> str:
    """The path of an address in the last message."""
    plain = server.messages[-1].get_body(("plain",))
    assert plain is not None
    found = re.search(rf"https?://[^/\s]+({pattern}[^\s]+)", plain.get_content())
    assert found is not None
    return found[1]


def test_the_link_in_the_message_enrols_and_credits(
    client: Client, server: MailServer
) -> None:
    campaign = open_campaign(mode="live", join={"confirm_email": True})
    advocate = make_participant(campaign=campaign)
    send(client, campaign, f"?ref={advocate.code}")
    send_emails()
    link = link_in(server, "/join/")
    assert says(client.get(link), "Yes, that is me")
    portal = client.post(link)["Location"]
    assert b"Hello, <bdi>Ann</bdi>" in client.get(portal).content
    assert Referral.objects.get().advocate == advocate


def test_whoever_joins_at_once_gets_their_own_page_by_email_only(
    client: Client, server: MailServer
) -> None:
    campaign = open_campaign(mode="live")
    answer = send(client, campaign)
    assert "/portal/" not in client.get(answer["Location"]).content.decode()
    send_emails()
    ann = Participant.objects.get(campaign=campaign)
    assert says(client.get(link_in(server, "/portal/")), ann.link)


def test_a_stranger_who_enters_a_known_mailbox_writes_to_nobody(
    client: Client, server: MailServer
) -> None:
    campaign = open_campaign(mode="live")
    make_participant(campaign=campaign, email="ann@mail.example.com")
    send(client, campaign)
    send_emails()
    assert server.messages == []
