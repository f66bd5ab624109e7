"""How much an advocate has brought about, counted from the rows."""

from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from referrals.models import Click, Participant, Referral

COUNTS = ("clicks", "referrals", "qualified", "rewards")
COUNTED = [(name, f"{name}_count") for name in COUNTS]  # with its attribute


def with_counts(participants: QuerySet[Participant]) -> QuerySet[Participant]:
    """Add `<name>_count` for each of COUNTS: sub-queries, not one query per row."""
    referrals = Referral.objects.filter(advocate=OuterRef("pk"))
    # Named through its relation: this app imports nothing of rewards.
    rewards = Participant._meta.get_field("rewards").related_model
    return participants.annotate(
        clicks_count=_number(Click.objects.filter(participant_id=OuterRef("pk"))),
        referrals_count=_number(referrals),
        qualified_count=_number(referrals.filter(status=Referral.Status.QUALIFIED)),
        rewards_count=_number(
            rewards._default_manager.filter(recipient=OuterRef("pk"))
        ),
    )


def _number(rows: QuerySet[Any]) -> Coalesce:
    # Grouped by a constant: one row with the count, or none.
    counted = rows.order_by().annotate(one=Value(1)).values("one")
    total = counted.annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(total, output_field=IntegerField()), 0)
