"""The form answers everybody the same: who is known, blocked or new cannot be told."""

from collections.abc import Callable
from datetime import timedelta
from statistics import median
from time import perf_counter

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from referrals.models import Campaign, FormerCode, Participant
from tests.factories import make_participant
from tests.pages.forms import HIDDEN, Answer, open_campaign, page, send, send_form

ADDRESS = "somebody@mail.example.com"
ROUNDS = 5
STEP = 0.3  # seconds


def nobody(campaign: Campaign) -> None:
    """The mailbox is in no campaign."""


def somebody(campaign: Campaign) -> None:
    make_participant(campaign=campaign, email=ADDRESS, name="Some Body")


def somebody_blocked(campaign: Campaign) -> None:
    make_participant(campaign=campaign, email=ADDRESS, status="blocked")


def somebody_with_a_chosen_code(campaign: Campaign) -> None:
    chosen = make_participant(campaign=campaign, email=ADDRESS, code="SOMEBODY")
    FormerCode.objects.create(code="0123456789", participant=chosen, works=True)


PEOPLE = [nobody, somebody, somebody_blocked, somebody_with_a_chosen_code]
Arrange = Callable[[Campaign], None]


def shape(response: Answer) -> tuple[object, ...]:
    """What can be seen of an answer from outside, but for what is drawn by lot."""
    sizes = {name: len(value) for name, value in response.headers.items()}
    cookies = {name: len(c.value) for name, c in response.cookies.items()}
    return response.status_code, sizes, len(response.content), cookies


@pytest.mark.parametrize("arrange", PEOPLE[1:])
@pytest.mark.parametrize("confirm", [False, True])
@pytest.mark.parametrize("query", ["", "?ref="])
def test_the_answers_are_alike(
    settings: Settings, arrange: Arrange, confirm: bool, query: str
) -> None:
    settings.EMAIL_URL = "smtp://mail.example"
    seen: list[tuple[object, ...]] = []
    for arranged in (nobody, arrange):
        campaign = open_campaign(slug=f"offer-{len(seen)}", name="Offer")
        Campaign.objects.filter(pk=campaign.pk).update(
            join={"open": True, "confirm_email": confirm}
        )
        arranged(campaign)
        code = make_participant(campaign=campaign).code if query else ""
        client = Client()
        answer = send(client, campaign, query + code, email=ADDRESS)
        seen.append((shape(answer), shape(client.get(answer["Location"]))))
    assert seen[0] == seen[1]


def test_time_does_not_tell_who_is_known(settings: Settings) -> None:
    settings.JOIN_ANSWERS_AFTER = timedelta(seconds=STEP)
    settings.JOIN_LIMIT_PER_MINUTE = 1000
    campaign = open_campaign()
    client = Client()
    stamp = dict(HIDDEN.findall(page(client, campaign).content.decode()))["stamp"]
    somebody(campaign)

    def seconds(address: str) -> float:
        form = {"stamp": stamp, "name": "A", "email": address}
        started = perf_counter()
        answer = send_form(client, campaign, form)
        assert answer.status_code == 302
        return perf_counter() - started

    known, new = [], []
    for number in range(ROUNDS):
        known.append(seconds(ADDRESS))
        new.append(seconds(f"newcomer{number}@mail.example.com"))
    assert Participant.objects.count() == ROUNDS + 1
    assert min(*known, *new) >= STEP
    # The same number of steps; a tenth of one is for the machine.
    assert abs(median(known) - median(new)) < STEP / 10
