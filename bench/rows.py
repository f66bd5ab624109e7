"""What there is to measure on: a launched campaign with people in it, and a key."""

import functools
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from bench.limits import TABLES
from referral_factory.access.services import ALL_SCOPES, create_key
from referrals.models import Campaign, Participant
from referrals.services.campaigns import create_campaign, launch_campaign
from rewards.models import Side
from rewards.services.rules import create_rule
from webhooks.services import create_endpoint

PEOPLE = 10_000
USD = "USD"


@dataclass(frozen=True)
class World:
    campaign: Campaign
    key: str  # the text of an API key with all scopes
    people: list[Participant]

    def person(self, n: int) -> Participant:
        """Somebody; neighbouring numbers are people far apart."""
        return self.people[n * 7919 % len(self.people)]


@functools.cache
def world() -> World:
    """One for all figures; an endpoint that is told of everything is in it."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
    campaign = _launched_campaign()
    people = [
        Participant(
            campaign=campaign,
            external_id=f"first-{n}",
            email=f"first-{n}@example.com",
            email_canonical=f"first-{n}@example.com",
            name=f"Person {n}",
            attributes={"plan": "pro", "number": n},
        )
        for n in range(PEOPLE)
    ]
    Participant.objects.bulk_create(people, batch_size=2000)
    _, key = create_key(name="Bench", mode=campaign.mode, scopes=ALL_SCOPES)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return World(campaign, key, people)


def _launched_campaign() -> Campaign:
    campaign = create_campaign(
        mode=Campaign.Mode.LIVE,
        name="Bench",
        slug="bench",
        owner="bench@example.com",
        currency=USD,
        landing_url="https://shop.example/welcome?from=friends",
        milestone_event="purchase",
        milestone_minimum=Decimal(20),
        review={"amount_limit": "50.00"},
    )
    for side in Side:
        create_rule(
            campaign, side=side, amount=Decimal(10), currency=USD, by="user:bench"
        )
    create_endpoint(mode=campaign.mode, url="http://127.0.0.1:9/webhooks")
    launch_campaign(campaign, wall=timezone.now())
    return campaign
