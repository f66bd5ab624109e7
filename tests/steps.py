"""What customers' systems do, in one short call each. The clock says NOON."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from referrals.attribution import Claim
from referrals.models import Campaign, Participant, Referral
from referrals.services.events import Recorded, Report, record_event
from referrals.services.participants import Enrolment, enrol_participant, person
from tests.factories import make_referral

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)

_orders = count(1)


def referred(**fields: Any) -> Referral:
    """A friend who was referred yesterday and has 90 days."""
    defaults = {"created_at": NOON - DAY, "expires_at": NOON + 89 * DAY}
    return make_referral(**{**defaults, **fields})


def enrol(campaign: Campaign, **fields: Any) -> Enrolment:
    """Enrol somebody; `by_code`, `by_click` and so on say who referred them."""
    wall = fields.pop("wall", NOON)
    for way in Referral.Way:
        key = f"by_{way}"
        if key in fields:
            claims = fields.get("claims", ())
            fields["claims"] = (*claims, Claim(way, str(fields.pop(key))))
    return enrol_participant(campaign, person(**fields), wall=wall)


def report(
    who: Participant | dict[str, str],
    amount: str | None = "20",
    *,
    campaign: Campaign | None = None,
    wall: datetime = NOON,
    **fields: Any,
) -> Recorded:
    """Report a purchase, unless told otherwise, by a participant or by their name."""
    if isinstance(who, Participant):
        campaign, who = who.campaign, {"id": who.public_id}
    assert campaign is not None
    defaults: dict[str, Any] = {
        "event_id": f"order-{next(_orders)}",
        "name": "purchase",
        "participant": who,
    }
    if amount is not None:
        defaults |= {"amount": Decimal(amount), "currency": "USD"}
    return record_event(campaign, Report(**{**defaults, **fields}), wall=wall)


def refund(
    who: Participant | dict[str, str], amount: str | None = None, **fields: Any
) -> Recorded:
    """Take an event back, wholly unless an amount is given."""
    return report(who, amount, **{"name": "refund", **fields})


def checks(recorded: Recorded) -> dict[str, bool]:
    """The questions that were asked, in order, and their answers."""
    found = recorded.event.decision["checks"]
    return {check["check"]: check["passed"] for check in found}


def details(recorded: Recorded) -> str:
    return " ".join(check["detail"] for check in recorded.event.decision["checks"])
