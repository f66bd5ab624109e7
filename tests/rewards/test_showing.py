"""What is shown quickly is what the fields of a serializer would show, one by one."""

from typing import Any

from django.db.models import Model
from django.utils import timezone
from rest_framework.serializers import Serializer

from referral_factory.wire import as_json
from referrals.serializers import EventSerializer, ReferralSerializer
from rewards.serializers import RewardSerializer
from tests.factories import make_event, make_referral, make_reward


def by_fields(serializer: Serializer[Any], row: Model) -> bytes:
    return as_json(Serializer.to_representation(serializer, row))


def shown(serializer: Serializer[Any], row: Model) -> bytes:
    return as_json(serializer.to_representation(row))


def rows() -> list[tuple[Serializer[Any], Model]]:
    referral = make_referral()
    qualified = make_referral(status="qualified", clicked_at=timezone.now())
    event = make_event(
        campaign=qualified.campaign, referral=qualified, amount="1.5", currency="JPY"
    )
    qualified.milestone_event = event
    flagged = make_reward(
        status="flagged", reasons=[{"code": "a", "detail": "b", "evidence": {"c": 1}}]
    )
    issued = make_reward(status="issued")
    found: list[tuple[Serializer[Any], Model]] = [
        (ReferralSerializer(), referral),
        (ReferralSerializer(), qualified),
        (EventSerializer(), event),
        (EventSerializer(), make_event(participant=None, decision={"checks": []})),
        (RewardSerializer(), flagged),
        (RewardSerializer(), issued),
    ]
    for _, row in found:
        row.refresh_from_db()
    return found


def test_all_rows_are_shown_as_their_fields_say() -> None:
    for serializer, row in rows():
        assert shown(serializer, row) == by_fields(serializer, row)


def test_the_documented_fields_are_those_that_are_shown() -> None:
    for serializer, row in rows():
        assert list(serializer.fields) == list(serializer.to_representation(row))
