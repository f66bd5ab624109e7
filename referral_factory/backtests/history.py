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

    occurred_at: datetime
    received_at: datetime
    key: str  # of its row: these are in the order of arrival
    event_id: str
    name: str
    amount: Decimal | None
    currency: str
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

    facts: dict[str, Any]  # see READ
    events: Sequence[Occurrence]

    @property
    def key(self) -> str:
        return str(self.facts["id"])

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
    backtest: Backtest, referrals: Sequence[UUID], *, whole: bool
) -> Iterator[History]:
    """Those of these referrals that the backtest covers, in the order of their ids.

    `whole`: with all that a condition may ask of people and events.
    """
    begins, ends = backtest.begins_at, backtest.ends_at
    with connection.cursor() as cursor:
        cursor.execute(
            READ,
            {
                "referrals": list(referrals),
                "all": begins is None and ends is None,
                "begins": begins,
                "ends": ends,
                "whole": whole,
            },
        )
        return _histories(cursor.fetchall())


def _histories(rows: Sequence[tuple[Any, ...]]) -> Iterator[History]:
    """Of each referral there is one row of its own, and one for each event."""
    for _, found in groupby(rows, key=itemgetter(0)):
        (_, facts, *_), *events = found
        yield History(orjson.loads(facts), [_occurrence(*row[2:]) for row in events])


def _occurrence(
    occurred_at: str, received_at: str, key: str, *others: Any
) -> Occurrence:
    """Moments come as text: that is read in a tenth of the time that Django takes."""
    read = datetime.fromisoformat
    return Occurrence(read(occurred_at), read(received_at), key, *others)


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
    SELECT covered.friend_id, row_number() OVER (ORDER BY covered.id) AS place,
    jsonb_build_object(
        'id', covered.id,
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
        'friend', CASE WHEN %(whole)s THEN to_jsonb(friend)
            ELSE jsonb_build_object('status', friend.status) END,
        'advocate', CASE WHEN %(whole)s THEN to_jsonb(advocate)
            ELSE jsonb_build_object('status', advocate.status) END,
        'rewards', (
            SELECT jsonb_agg(jsonb_build_object(
                'side', reward.side, 'kind', reward.kind, 'status', reward.status,
                'amount', reward.amount::text, 'currency', reward.currency
            ) ORDER BY reward.id)
            FROM rewards_reward AS reward WHERE reward.referral_id = covered.id
        ),
        'moves', (
            SELECT jsonb_agg(jsonb_build_object(
                'id', move.id, 'to', move.to_status, 'at', move.at
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
SELECT place, facts, NULL, NULL, NULL AS key, NULL, NULL, NULL::numeric, NULL, NULL,
    NULL, NULL::integer, NULL
FROM described
UNION ALL
SELECT described.place, NULL, event.occurred_at::text, event.received_at::text,
    event.id::text, event.event_id, event.name, event.amount, event.currency,
    event.reverses, event.source, event.rules_version,
    CASE WHEN %(whole)s THEN event.properties::text END
FROM described
JOIN referrals_event AS event ON event.participant_id = described.friend_id
ORDER BY place, key NULLS FIRST
"""
