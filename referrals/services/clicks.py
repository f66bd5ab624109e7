"""Visits to links."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from referral_factory import prepared
from referral_factory.ids import new_id
from referrals.models import Campaign, Click, Participant
from referrals.services.codes import present_code

# One statement for all of a visit: whose code it is, where that leads, and the click,
# if it is one.
FOLLOW = f"""
    WITH advocate AS MATERIALIZED (
        SELECT participant.id, code, participant.campaign_id, landing_url, clock_offset,
            attribution_days
        FROM referrals_participant AS participant
        JOIN referrals_campaign AS campaign ON campaign.id = campaign_id
        WHERE code = %(code)s AND campaign.status <> '{Campaign.Status.DRAFT}'
            AND landing_url ~* %(pages)s
            AND participant.status <> '{Participant.Status.ERASED}'
    ), click AS (
        INSERT INTO referrals_click (id, campaign_id, participant_id, created_at,
            address, user_agent, parameters)
        SELECT %(click)s::uuid, campaign_id, id, %(wall)s::timestamptz + clock_offset,
            %(address)s::inet, %(user_agent)s::text, %(parameters)s::jsonb
        FROM advocate WHERE %(click)s::uuid IS NOT NULL
        RETURNING id
    )
    SELECT advocate.id, code, campaign_id, landing_url, attribution_days,
        (SELECT id FROM click)
    FROM advocate
"""  # noqa: S608 - the names are ours

# Whether a click of a campaign would be credited, had it to be decided now, or is on
# the link that is followed again.
COUNTS_STILL = f"""
    SELECT 1
    FROM referrals_click AS click
    JOIN referrals_participant AS advocate ON advocate.id = participant_id
    JOIN referrals_campaign AS campaign ON campaign.id = click.campaign_id
    WHERE click.id = %(click)s AND campaign.id = %(campaign)s
        AND (advocate.status = '{Participant.Status.ACTIVE}'
            OR advocate.id = %(followed)s)
        AND click.created_at + make_interval(days => attribution_days)
            >= %(wall)s::timestamptz + clock_offset
"""  # noqa: S608 - the names are ours


@dataclass(frozen=True, slots=True)
class Visit:
    """Who follows a link: what their browser says, and what the address carried."""

    address: str | None
    user_agent: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class Followed:
    """Where a link leads. No click: nobody clicked."""

    participant_id: UUID
    code: str  # the advocate's present one
    campaign_id: UUID
    landing_url: str
    attribution_days: int
    click_id: UUID | None


def follow_link(
    code: str, visit: Visit | None, *, pages: str, wall: datetime
) -> Followed | None:
    """Keep a visit to a link, committed before the redirect; None: it leads nowhere.

    `visit` is None where nobody clicked. `pages` is the pattern of allowed pages.
    """
    code = code.upper()
    found = _follow(code, visit, pages, wall)
    if found is None and (present := present_code(code)) not in {None, code}:
        found = _follow(str(present), visit, pages, wall)
    return found


def _follow(
    code: str, visit: Visit | None, pages: str, wall: datetime
) -> Followed | None:
    found = prepared.execute(
        FOLLOW,
        {
            "code": code,
            "pages": pages,
            "click": new_id() if visit else None,
            "wall": wall,
            "address": visit and visit.address,
            "user_agent": visit and visit.user_agent[:500],
            "parameters": visit and json.dumps(visit.parameters),
        },
    ).fetchone()
    return Followed(*found) if found else None


def counts_still(click_id: UUID, followed: Followed, *, wall: datetime) -> bool:
    """Whether a click is of the same campaign, young enough, and an active advocate's
    or on the same link: a second visit tells as little as the first."""
    named = {
        "click": click_id,
        "campaign": followed.campaign_id,
        "followed": followed.participant_id,
        "wall": wall,
    }
    return prepared.execute(COUNTS_STILL, named).fetchone() is not None


def record_click(
    participant: Participant,
    *,
    address: str | None,
    user_agent: str,
    parameters: dict[str, Any],
    wall: datetime,
) -> Click:
    """Keep a visit to the link of an advocate whom we know already."""
    return Click.objects.create(
        campaign_id=participant.campaign_id,
        participant_id=participant.pk,
        created_at=participant.campaign.now(wall),
        address=address,
        user_agent=user_agent[:500],
        parameters=parameters,
    )
