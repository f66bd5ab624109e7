"""One participant as the API shows them, in one statement: no route is read more often.

It gathers what ParticipantSerializer.prepare would; a test compares the answers.
"""

import json
from collections.abc import Collection
from functools import cache
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from referral_factory import prepared
from referral_factory.ids import to_public
from referrals.models import Participant, Referral
from referrals.showing import show_participant


@cache
def statement() -> str:
    # Named through its relation: this app imports nothing of rewards.
    rewards = Participant._meta.get_field("rewards").related_model._meta.db_table
    return f"""
        SELECT person.id, person.campaign_id, external_id, email, person.name,
            person.status, person.code, attributes, source, merged_into_id,
            customer_since, person.created_at, campaign.name AS campaign_name,
            referral.id AS referral_id, referral.advocate_id,
            (SELECT code FROM referrals_participant WHERE id = referral.advocate_id)
                AS advocate_code,
            (SELECT count(*) FROM referrals_click
                WHERE participant_id = person.id) AS clicks_count,
            (SELECT count(*) FROM referrals_referral
                WHERE advocate_id = person.id) AS referrals_count,
            (SELECT count(*) FROM referrals_referral
                WHERE advocate_id = person.id
                AND status = '{Referral.Status.QUALIFIED}') AS qualified_count,
            (SELECT count(*) FROM {rewards}
                WHERE recipient_id = person.id) AS rewards_count
        FROM referrals_participant AS person
        JOIN referrals_campaign AS campaign ON campaign.id = person.campaign_id
        LEFT JOIN referrals_referral AS referral ON referral.friend_id = person.id
        WHERE person.id = %(participant)s AND campaign.mode = %(mode)s
            AND (%(everywhere)s OR campaign.id = ANY(%(campaigns)s::uuid[]))
    """  # noqa: S608 - the names are ours


def read_participant(
    pk: UUID, *, mode: str, campaign_ids: Collection[UUID]
) -> dict[str, Any] | None:
    """Somebody of this mode, and of one of these campaigns, if any are given."""
    visible = {
        "participant": pk,
        "mode": mode,
        "everywhere": not campaign_ids,
        "campaigns": prepared.array(campaign_ids),
    }
    found = prepared.execute(statement(), visible)
    row = found.fetchone()
    if row is None:
        return None
    names = [column.name for column in found.description]
    return show_participant(_prepared(dict(zip(names, row, strict=True))))


def _prepared(row: dict[str, Any]) -> SimpleNamespace:
    """The row as ParticipantSerializer.prepare would have it."""
    return SimpleNamespace(
        **{**row, "attributes": json.loads(row["attributes"])},
        PREFIX=Participant.PREFIX,
        public_id=to_public(Participant.PREFIX, row["id"]),
        campaign=SimpleNamespace(name=row["campaign_name"]),
        credits=[_credit(row)] if row["referral_id"] else [],
    )


def _credit(row: dict[str, Any]) -> SimpleNamespace:
    advocate = to_public(Participant.PREFIX, row["advocate_id"])
    return SimpleNamespace(
        public_id=to_public(Referral.PREFIX, row["referral_id"]),
        advocate=SimpleNamespace(public_id=advocate, code=row["advocate_code"]),
    )
