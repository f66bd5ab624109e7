"""A small programme to look at: three weeks of a coffee shop, played by the services.

Nothing here is inserted by hand: every row came about as it would in real life.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from referrals.attribution import Claim
from referrals.models import Campaign, Click, Participant, Referral
from referrals.services.campaigns import create_campaign, launch_campaign, move_clock
from referrals.services.clicks import record_click
from referrals.services.events import Report, record_event
from referrals.services.participants import enrol_participant, person
from referrals.services.referrals import settle_campaign
from rewards.models import Reward, Side
from rewards.services.issuing import issue_reward
from rewards.services.reviewing import review_rewards
from rewards.services.rules import create_rule
from webhooks.services import create_endpoint, disable_endpoint

BY = "user:example"
USD = "USD"
LENGTH = timedelta(days=21)
HOME = "192.0.2.17"  # Ada's: an address that is set aside for examples
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass(frozen=True)
class Friend:
    """Who comes by whose link on which day, and what they spend when."""

    name: str
    advocate: str
    day: int
    purchases: tuple[tuple[int, str], ...] = ()
    refund_day: int | None = None
    email: str = ""
    at_home: bool = False  # from the advocate's own address and browser


FRIENDS = (
    Friend("Ben", "Ada", 1, ((2, "34.50"),)),
    Friend("Cleo", "Ada", 2, ((3, "21.00"), (9, "18.00"))),
    Friend("Dan", "Ada", 3, ((5, "12.00"),)),
    Friend("Eve", "Ben", 4, ((6, "48.00"),), refund_day=8),
    Friend("Finn", "Ada", 5, ((7, "25.00"),), at_home=True),
    Friend("Gus", "Cleo", 8, ((10, "40.00"),)),
    Friend("Hana", "Cleo", 10),
    Friend("Ivo", "Ben", 11, ((12, "29.90"),), email="ben+ivo@coffee.example"),
    Friend("Jo", "Gus", 15, ((18, "33.00"),)),
)


@transaction.atomic
def play_example() -> Campaign:
    """Play it from three weeks ago until now."""
    wall = timezone.now()
    campaign = launched(wall)
    enrol("Ada", campaign, wall, address=HOME, user_agent=BROWSER)
    for day in range(1, LENGTH.days + 1):
        move_clock(campaign, to=wall - LENGTH + timedelta(days=day), wall=wall)
        settle_campaign(campaign, wall=wall)
        for friend in FRIENDS:
            live_a_day(friend, day, campaign, wall)
        while review_rewards(wall=wall):
            pass
        if day == 14:
            issue_approved(campaign, wall)
    return campaign


def launched(wall: datetime) -> Campaign:
    campaign = create_campaign(
        mode=Campaign.Mode.TEST,
        name="Example: bring a friend to the coffee shop",
        slug="example-coffee-shop",
        owner="ops@coffee.example",
        currency=USD,
        landing_url="https://coffee.example/welcome",
        milestone_event="purchase",
        milestone_minimum=Decimal(20),
        holding_days=3,
        reversal_events=["refund"],
        review={"amount_limit": "50.00"},
    )
    for side, amount in ((Side.ADVOCATE, 10), (Side.FRIEND, 5)):
        create_rule(campaign, side=side, amount=Decimal(amount), currency=USD, by=BY)
    move_clock(campaign, to=wall - LENGTH, wall=wall)
    # A launch asks for somebody who hears of it; as nobody really listens there, the
    # endpoint is disabled before the first message could go out.
    endpoint, _ = create_endpoint(
        mode=campaign.mode,
        url="http://127.0.0.1:9000/webhooks",
        description="Example: replace it by your own",
        campaign_ids=[campaign.pk],
    )
    launch_campaign(campaign, wall=wall)
    disable_endpoint(endpoint, reason="An example: nobody listens there.")
    return campaign


def live_a_day(friend: Friend, day: int, campaign: Campaign, wall: datetime) -> None:
    if day == friend.day:
        join(friend, campaign, wall)
    for number, (bought_on, amount) in enumerate(friend.purchases):
        if day == bought_on:
            bought = Report(
                event_id=f"order-{friend.name.lower()}-{number}",
                name="purchase",
                participant={"external_id": friend.name.lower()},
                amount=Decimal(amount),
                currency=USD,
            )
            record_event(campaign, bought, wall=wall)
    if day == friend.refund_day:
        event_id = f"refund-{friend.name.lower()}"
        named = {"external_id": friend.name.lower()}
        record_event(campaign, Report(event_id, "refund", named), wall=wall)


def join(friend: Friend, campaign: Campaign, wall: datetime) -> None:
    """Follow the advocate's link, then sign up with the click that it left."""
    click = visit(friend, campaign, wall)
    enrol(
        friend.name,
        campaign,
        wall,
        email=friend.email,
        claims=(Claim(Referral.Way.CLICK, click.public_id),),
    )


def visit(friend: Friend, campaign: Campaign, wall: datetime) -> Click:
    advocate = Participant.objects.select_related("campaign").get(
        campaign=campaign, external_id=friend.advocate.lower()
    )
    return record_click(
        advocate,
        address=HOME if friend.at_home else f"198.51.100.{friend.day}",
        user_agent=BROWSER,
        parameters={"utm_source": "newsletter"},
        wall=wall,
    )


def enrol(
    name: str,
    campaign: Campaign,
    wall: datetime,
    *,
    email: str = "",
    claims: tuple[Claim, ...] = (),
    **details: str,
) -> None:
    who = person(
        external_id=name.lower(),
        email=email or f"{name.lower()}@coffee.example",
        claims=claims,
        name=name,
        **details,
    )
    enrol_participant(campaign, who, wall=wall)


def issue_approved(campaign: Campaign, wall: datetime) -> None:
    approved = Reward.objects.filter(campaign=campaign, status=Reward.Status.APPROVED)
    for reward in approved.select_related("campaign").order_by("id"):
        issue_reward(reward, by=BY, wall=wall, reference=f"payout {reward.public_id}")
