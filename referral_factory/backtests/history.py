"""What happened to referrals, read in chunks: each as one statement saw it.

An event that is judged meanwhile is in all that is read of its referral, or in none of
it: so a running campaign never looks as if its own rules had decided otherwise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from referral_factory.backtests.models import Backtest
from referrals.models import Referral

CHUNK = 500  # referrals


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An event as it was reported: what was decided of it is not looked at."""

    key: UUID  # ids are made in the order of arrival
    event_id: str
    name: str
    amount: Decimal | None
    currency: str
    occurred_at: datetime
    received_at: datetime
    reverses: str
    source: str
    version: int  # of the rules that it was judged by
    properties: str | None  # JSON; read only where a condition asks

    @property
    def at(self) -> datetime:
        """When it was judged, unless its referral was made later."""
        return self.received_at


@dataclass(frozen=True)
class History:
    """A referral, as it stands and as it came to that."""

    referral: UUID
    facts: dict[str, Any]  # see READ
    events: Sequence[Occurrence]

    @property
    def status(self) -> str:
        return str(self.facts["status"])

    @cached_property
    def created_at(self) -> datetime:
        return datetime.fromisoformat(self.facts["created_at"])


def next_referrals(backtest: Backtest) -> list[UUID]:
    """The next in line, whether they are covered or not."""
    rows = Referral.objects.filter(campaign=backtest.campaign_id).order_by("id")
    if backtest.position:
        rows = rows.filter(pk__gt=backtest.position)
    return list(rows.values_list("pk", flat=True)[:CHUNK])


def histories(
    backtest: Backtest, referrals: Sequence[UUID], *, with_properties: bool
) -> Iterator[History]:
    """Those of these referrals that the backtest covers, in the order of their ids."""
    begins, ends = backtest.begins_at, backtest.ends_at
    with connection.cursor() as cursor:
        cursor.execute(
            READ,
            {
                "referrals": list(referrals),
                "all": begins is None and ends is None,
                "begins": begins,
                "ends": ends,
                "properties": with_properties,
            },
        )
        for referral, rows in groupby(cursor, key=itemgetter(0)):
            yield _history(referral, rows)


def _history(referral: UUID, rows: Iterator[Any]) -> History:
    first = next(rows)
    facts = orjson.loads(first[1])
    events = [Occurrence(*first[2:])] if first[2] else []
    events += [Occurrence(*row[2:]) for row in rows]
    return History(referral, facts, events)


READ = """
WITH covered AS MATERIALIZED (
    SELECT referral.* FROM referrals_referral AS referral
    WHERE referral.id = ANY(%(referrals)s) AND (
        %(all)s
        OR referral.created_at BETWEEN coalesce(%(begins)s, '-infinity'::timestamptz)
            AND coalesce(%(ends)s, 'infinity'::timestamptz)
        OR EXISTS (
            SELECT FROM referrals_event AS event
            WHERE event.participant_id = referral.friend_id
            AND event.occurred_at BETWEEN coalesce(%(begins)s, '-infinity'::timestamptz)
                AND coalesce(%(ends)s, 'infinity'::timestamptz)
        )
    )
), described AS MATERIALIZED (
    SELECT covered.id, covered.friend_id, jsonb_build_object(
        'status', covered.status,
        'reason', covered.reason,
        'decided_by', covered.decided_by,
        'decided_at', CASE covered.status WHEN 'qualified' THEN covered.qualified_at
            WHEN 'disqualified' THEN covered.disqualified_at END,
        'way', covered.way,
        'marks', covered.marks,
        'created_at', covered.created_at,
        'expires_at', covered.expires_at,
        'clicked_at', covered.clicked_at,
        'holds_until', covered.holds_until,
        'milestone_event', covered.milestone_event_id,
        'friend', to_jsonb(friend),
        'advocate', to_jsonb(advocate),
        'rewards', (
            SELECT jsonb_agg(jsonb_build_object(
                'side', reward.side, 'kind', reward.kind, 'status', reward.status,
                'amount', reward.amount::text, 'currency', reward.currency
            ) ORDER BY reward.id)
            FROM rewards_reward AS reward WHERE reward.referral_id = covered.id
        ),
        'moves', (
            SELECT jsonb_agg(jsonb_build_object(
                'id', move.id, 'to', move.to_status, 'at', move.at,
                'reason', move.reason
            ) ORDER BY move.id)
            FROM referrals_referralchange AS move
            WHERE move.referral_id = covered.id AND move.decided_by <> 'rules'
                AND move.event_id IS NULL
        )
    )::text AS facts
    FROM covered
    JOIN referrals_participant AS friend ON friend.id = covered.friend_id
    JOIN referrals_participant AS advocate ON advocate.id = covered.advocate_id
)
SELECT described.id, described.facts, event.id, event.event_id, event.name,
    event.amount, event.currency, event.occurred_at, event.received_at,
    event.reverses, event.source, event.rules_version,
    CASE WHEN %(properties)s THEN event.properties::text END
FROM described
LEFT JOIN referrals_event AS event ON event.participant_id = described.friend_id
ORDER BY described.id, event.id
"""
