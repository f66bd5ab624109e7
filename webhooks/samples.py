"""One object of each kind that messages are about, for the catalogue."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Model

from referrals.models import Campaign, Event, Participant, Referral
from referrals.serializers import ParticipantSerializer
from rewards.models import Kind, Reward, Side
from webhooks.models import Endpoint

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
CHECKS = [{"check": "person_is_known", "passed": False, "detail": "Nobody yet."}]


def _id(number: int) -> UUID:
    return UUID(f"01946a3e-0000-7000-8000-{number:012}")


def samples() -> dict[type[Model], Model]:
    """By model. Never saved, and the same each time."""
    campaign = Campaign(
        id=_id(1),
        name="Bring a friend",
        slug="bring-a-friend",
        mode=Campaign.Mode.LIVE,
        status=Campaign.Status.LIVE,
        owner="Ada",
        currency="USD",
        landing_url="https://shop.example/welcome",
        milestone_event="order_paid",
        review={"amount_limit": "50.00"},
        created_at=NOON,
        launched_at=NOON,
    )
    return {
        Campaign: campaign,
        Participant: _participant(campaign),
        Referral: _referral(),
        Event: _event(),
        Reward: _reward(),
        Endpoint: Endpoint(
            id=_id(7),
            mode="live",
            url="https://shop.example/webhooks",
            created_at=NOON,
        ),
    }


def _participant(campaign: Campaign) -> Participant:
    participant = Participant(
        id=_id(2),
        campaign=campaign,
        external_id="customer-17",
        email="grace@shop.example",
        name="Grace",
        code="7H2KQ9MXTA",
        created_at=NOON,
    )
    ParticipantSerializer.prepare_newcomers([participant])
    return participant


def _referral() -> Referral:
    return Referral(
        id=_id(3),
        campaign_id=_id(1),
        advocate_id=_id(2),
        friend_id=_id(4),
        status=Referral.Status.QUALIFIED,
        way=Referral.Way.CLICK,
        created_at=NOON,
        expires_at=NOON.replace(month=5, day=1),
        qualified_at=NOON,
    )


def _event() -> Event:
    return Event(
        id=_id(5),
        campaign_id=_id(1),
        event_id="order-1001",
        name="order_paid",
        person="external_id:customer-18",
        amount=Decimal("80.00"),
        currency="USD",
        occurred_at=NOON,
        received_at=NOON,
        outcome=Event.Outcome.UNMATCHED,
        decision={"checks": CHECKS},
    )


def _reward() -> Reward:
    return Reward(
        id=_id(6),
        campaign_id=_id(1),
        referral_id=_id(3),
        rule_id=_id(8),
        rule_version=1,
        recipient_id=_id(2),
        side=Side.ADVOCATE,
        kind=Kind.FIXED,
        amount=Decimal("25.00"),
        currency="USD",
        status=Reward.Status.APPROVED,
        decided_by="review",
        decided_at=NOON,
        created_at=NOON,
        available_at=NOON,
    )
