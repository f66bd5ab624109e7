"""Reports of events in sets, for tests."""

from collections import Counter
from decimal import Decimal
from typing import Any

from referrals.models import Campaign
from referrals.services.events import Recorded, Refusal, Report, record_events
from tests.steps import NOON
from webhooks.models import Message

Answer = Recorded | Refusal


def order(key: str, who: Any, amount: str | None = "20", **said: Any) -> Report:
    given = who if isinstance(who, dict) else {"id": who.public_id}
    if amount is not None:
        said |= {"amount": Decimal(amount), "currency": "USD"}
    return Report(key, said.pop("name", "purchase"), given, **said)


def record(campaign: Campaign, *reports: Report, **said: Any) -> list[Answer]:
    return record_events(campaign, reports, wall=said.pop("wall", NOON), **said)


def outcomes(answers: list[Answer]) -> list[str]:
    return [
        each.outcome if isinstance(each, Recorded) else each.code for each in answers
    ]


def told() -> Counter[str]:
    return Counter(Message.objects.values_list("type", flat=True))
