"""The statements of judging events: each is about all the events of a call at once."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from referral_factory import prepared
from referral_factory.prepared import array
from referral_factory.states import IllegalTransition
from referrals.models import Campaign, Participant, Referral

Row = dict[str, Any]

# The columns of an event, as PostgreSQL's json_to_recordset names them.
EVENT = {
    "id": "uuid",
    "campaign_id": "uuid",
    "event_id": "text",
    "source": "text",
    "name": "text",
    "person": "text",
    "participant_id": "uuid",
    "referral_id": "uuid",
    "amount": "numeric",
    "currency": "text",
    "properties": "jsonb",
    "reverses": "text",
    "occurred_at": "timestamptz",
    "received_at": "timestamptz",
    "outcome": "text",
    "counts": "boolean",
    "rules_version": "integer",
    "decision": "jsonb",
}
# What judging an event again may change.
JUDGED = {
    "id": "uuid",
    "person": "text",
    "participant_id": "uuid",
    "referral_id": "uuid",
    "reverses": "text",
    "outcome": "text",
    "counts": "boolean",
    "rules_version": "integer",
    "decision": "jsonb",
}
MOVE = {
    "id": "uuid",
    "referral_id": "uuid",
    "from_status": "text",
    "to_status": "text",
    "reason": "text",
    "event_id": "uuid",
    "milestone": "uuid",
    "holds_until": "timestamptz",
    "at": "timestamptz",
}


def _columns(model: Any, table: str) -> str:
    names = (field.column for field in model._meta.concrete_fields)
    return ", ".join(f"{table}.{name}" for name in names)


def _rows(types: Mapping[str, str], name: str) -> str:
    typed = ", ".join(f"{column} {kind}" for column, kind in types.items())
    return f"json_to_recordset(%(rows)s::json) AS {name} ({typed})"


# Lists are joined as tables: `= ANY` of ten thousand is gone through for each row that
# is looked at, where the planner takes a table for a small one.

# Whoever answers to these names now: who was merged into somebody is somebody.
FIND = """
    SELECT named.key, person.id, person.status, person.merged_into_id
    FROM (
        SELECT 'external_id:' || external_id AS key, id
        FROM unnest(%(external_id)s::text[]) AS sought
        JOIN referrals_participant ON external_id = sought
        WHERE campaign_id = %(campaign)s
        UNION ALL
        SELECT 'email:' || email_canonical, id
        FROM unnest(%(email)s::text[]) AS sought
        JOIN referrals_participant ON email_canonical = sought
        WHERE campaign_id = %(campaign)s
        UNION ALL
        SELECT 'code:' || code, id
        FROM unnest(%(code)s::text[]) AS sought
        JOIN referrals_participant ON code = sought
        WHERE campaign_id = %(campaign)s
        UNION ALL
        SELECT 'code:' || former.code, participant_id
        FROM unnest(%(code)s::text[]) AS sought
        JOIN referrals_formercode AS former ON former.code = sought
        JOIN referrals_participant AS owner ON owner.id = former.participant_id
        WHERE owner.campaign_id = %(campaign)s AND former.works
        UNION ALL
        SELECT 'id:' || id, coalesce(merged_into_id, id)
        FROM unnest(%(id)s::uuid[]) AS sought
        JOIN referrals_participant ON id = sought
        WHERE campaign_id = %(campaign)s
    ) AS named JOIN referrals_participant AS person ON person.id = named.id
"""
# In the order of their ids, so that two calls about the same people never wait for each
# other in a circle.
FIND_AND_HOLD = FIND + " ORDER BY person.id FOR NO KEY UPDATE OF person"

# By their friends. After these are held: whoever refers them holds them, too.
REFERRALS = """
    SELECT id, friend_id, advocate_id, status, created_at, expires_at, clicked_at,
        holds_until, milestone_event_id, way, marks
    FROM unnest(%(people)s::uuid[]) AS sought
    JOIN referrals_referral AS referral ON friend_id = sought
    WHERE campaign_id = %(campaign)s
    ORDER BY id
"""
REFERRALS_AND_HOLD = REFERRALS + " FOR NO KEY UPDATE OF referral"
PEOPLE = """
    SELECT id, external_id, email, status, source, attributes, created_at,
        customer_since, confirmed_at
    FROM unnest(%(people)s::uuid[]) AS sought
    JOIN referrals_participant ON id = sought
"""

SEEN = ", ".join(f"event.{column}" for column in EVENT)
# Those of these ids, what takes them back, and which reversals of these people wait for
# a milestone to take back. One may be several of these, and come more than once.
EVENTS = f"""
    SELECT {SEEN} FROM unnest(%(event_ids)s::text[]) AS sought
    JOIN referrals_event AS event ON event_id = sought
    WHERE campaign_id = %(campaign)s
    UNION ALL
    SELECT {SEEN} FROM unnest(%(event_ids)s::text[]) AS sought
    JOIN referrals_event AS event ON reverses = sought AND reverses <> ''
    WHERE campaign_id = %(campaign)s
    UNION ALL
    SELECT {SEEN} FROM unnest(%(people)s::uuid[]) AS sought
    JOIN referrals_event AS event
        ON participant_id = sought AND outcome = 'unmatched'
    WHERE reverses = ''
"""  # noqa: S608 - EVENT is a constant
# What counts towards these referrals and what reached their milestones, and what takes
# it back.
COUNTING = f"""
    WITH counting AS (
        SELECT event.* FROM unnest(%(referrals)s::uuid[]) AS sought
        JOIN referrals_event AS event ON referral_id = sought AND counts
        UNION
        SELECT event.* FROM unnest(%(milestones)s::uuid[]) AS sought
        JOIN referrals_event AS event ON event.id = sought
    )
    SELECT {SEEN} FROM counting AS event
    UNION ALL
    SELECT {SEEN} FROM counting JOIN referrals_event AS event
        ON event.campaign_id = counting.campaign_id
            AND event.reverses = counting.event_id AND event.reverses <> ''
"""  # noqa: S608 - EVENT is a constant
VERSIONS = """
    SELECT version, terms FROM referrals_milestoneversion
    WHERE campaign_id = %(campaign)s AND version = ANY (%(versions)s::int[])
"""
# What waits for these people, in the order that it happened in.
WAITING = f"""
    SELECT {SEEN} FROM unnest(%(people)s::uuid[]) AS sought
    JOIN referrals_event AS event
        ON participant_id = sought AND outcome = 'unmatched'
    UNION ALL
    SELECT {SEEN} FROM unnest(%(names)s::text[]) AS sought
    JOIN referrals_event AS event ON person = sought AND participant_id IS NULL
    WHERE campaign_id = %(campaign)s
    ORDER BY occurred_at, id
"""  # noqa: S608 - EVENT is a constant

# In the order of their ids, so that two calls never wait for each other in a circle.
INSERT = f"""
    INSERT INTO referrals_event ({", ".join(EVENT)})
    SELECT {", ".join(EVENT)} FROM {_rows(EVENT, "fresh")} ORDER BY event_id
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - EVENT is a constant
UNDO = "DELETE FROM referrals_event WHERE id = ANY (%(ids)s::uuid[])"
UPDATE = f"""
    UPDATE referrals_event AS event
    SET {", ".join(f"{name} = judged.{name}" for name in JUDGED if name != "decision")},
        decision = coalesce(judged.decision, event.decision)
    FROM {_rows(JUDGED, "judged")}
    WHERE event.id = judged.id
"""  # noqa: S608 - JUDGED is a constant

# Guarded as any move is: whose status is another by now is left alone. The planner
# takes rows of JSON for a hundred, and would read whole tables for them; keys, for ten.
MOVES = f"""
    WITH move AS (SELECT * FROM {_rows(MOVE, "move")}), moved AS (
        UPDATE referrals_referral AS referral
        SET status = to_status, reason = move.reason, decided_by = 'rules',
            holds_until = CASE to_status WHEN 'holding' THEN move.holds_until
                WHEN 'pending' THEN NULL ELSE referral.holds_until END,
            qualified_at = CASE to_status WHEN 'qualified' THEN move.at
                WHEN 'pending' THEN NULL ELSE referral.qualified_at END,
            disqualified_at = CASE to_status WHEN 'disqualified' THEN move.at
                WHEN 'pending' THEN NULL ELSE referral.disqualified_at END,
            milestone_event_id = CASE to_status WHEN 'pending' THEN NULL
                ELSE coalesce(move.milestone, referral.milestone_event_id) END
        FROM unnest(%(referrals)s::uuid[]) AS sought
        JOIN move ON move.referral_id = sought
        WHERE referral.id = sought AND referral.status = from_status
        RETURNING referral.*
    ), told AS (
        INSERT INTO referrals_referralchange (id, referral_id, from_status, to_status,
            reason, decided_by, event_id, at, made_at)
        SELECT id, referral_id, from_status, to_status, reason, 'rules', event_id, at,
            %(wall)s
        FROM move
    )
    SELECT {_columns(Referral, "moved")}, {_columns(Participant, "advocate")},
        {_columns(Participant, "friend")}
    FROM moved
    JOIN referrals_participant AS advocate ON advocate.id = moved.advocate_id
    JOIN referrals_participant AS friend ON friend.id = moved.friend_id
    ORDER BY moved.id
"""  # noqa: S608 - MOVE is a constant


class Found(NamedTuple):
    id: UUID
    erased: bool


def find_people(
    campaign: Campaign, keys: Iterable[str], *, hold: bool
) -> dict[str, Found]:
    """Who is called by these keys ("external_id:c-17", "code:ANN"), as they are now."""
    sought: dict[str, list[str]] = {
        "external_id": [],
        "email": [],
        "code": [],
        "id": [],
    }
    for key in keys:
        kind, _, value = key.partition(":")
        sought[kind].append(value)
    values = {kind: array(each) for kind, each in sought.items()}
    statement = FIND_AND_HOLD if hold else FIND
    while True:
        cursor = prepared.execute(statement, {"campaign": campaign.pk, **values})
        rows = cursor.fetchall()
        if not any(merged for _key, _id, _status, merged in rows):
            return {key: Found(pk, status == "erased") for key, pk, status, _ in rows}
        # Merged while we waited for them: by now they answer to the names otherwise.


def referrals_of(
    campaign: Campaign, people: Collection[UUID], *, hold: bool
) -> list[Row]:
    """The referrals by which these people are friends."""
    params = {"campaign": campaign.pk, "people": array(people)}
    return list(_dicts(REFERRALS_AND_HOLD if hold else REFERRALS, params))


def people(ids: Iterable[UUID]) -> dict[UUID, Row]:
    rows = _dicts(PEOPLE, {"people": array(ids)})
    return {row["id"]: row for row in rows}


def events(
    campaign: Campaign, event_ids: Iterable[str], people: Iterable[UUID]
) -> list[Row]:
    params = {
        "campaign": campaign.pk,
        "event_ids": array(event_ids),
        "people": array(people),
    }
    return list(_dicts(EVENTS, params))


def counting(referrals: Iterable[UUID], milestones: Iterable[UUID]) -> list[Row]:
    params = {"referrals": array(referrals), "milestones": array(milestones)}
    return list(_dicts(COUNTING, params))


def versions(campaign: Campaign, wanted: Iterable[int]) -> dict[int, Any]:
    params = {"campaign": campaign.pk, "versions": array(wanted)}
    rows = prepared.execute(VERSIONS, params).fetchall()
    return {version: orjson.loads(terms) for version, terms in rows}


def waiting(
    campaign: Campaign, people: Iterable[UUID], names: Iterable[str]
) -> list[Row]:
    params = {
        "campaign": campaign.pk,
        "people": array(people),
        "names": array(names),
    }
    return list(_dicts(WAITING, params))


def insert(rows: Sequence[Row]) -> bool:
    """Write these events, all or none: False where somebody wrote one meanwhile.

    It is committed by then, and found when it is looked for again.
    """
    if prepared.execute(INSERT, {"rows": _json(rows)}).count == len(rows):
        return True
    prepared.execute(UNDO, {"ids": array(row["id"] for row in rows)})
    return False


def update(rows: Sequence[Row]) -> None:
    """Write what was decided about events that were known before."""
    prepared.execute(UPDATE, {"rows": _json(rows)})


def move(rows: Sequence[Row], wall: Any) -> list[Referral]:
    """Move referrals, and keep that they moved: as they are now, with their people.

    They are held; still, as with any move, the table is kept to and the UPDATE guarded.
    """
    for row in rows:
        if row["to_status"] not in Referral.TRANSITIONS.get(row["from_status"], ()):
            raise IllegalTransition(
                f"From {row['from_status']} there is no way to {row['to_status']}.",
                current=row["from_status"],
            )
    referrals = array(row["referral_id"] for row in rows)
    params = {"rows": _json(rows), "referrals": referrals, "wall": wall}
    cursor = prepared.execute(MOVES, params)
    names = [column.name for column in cursor.description or ()]
    width = len(Referral._meta.concrete_fields)
    wide = width + len(Participant._meta.concrete_fields)
    moved = []
    for values in cursor:
        referral = _instance(Referral, names[:width], values[:width])
        referral.advocate = _instance(
            Participant, names[width:wide], values[width:wide]
        )
        referral.friend = _instance(Participant, names[wide:], values[wide:])
        moved.append(referral)
    if len(moved) < len(rows):
        raise IllegalTransition("A referral was moved by somebody else meanwhile.")
    return moved


PARSED = frozenset({"marks", "decision", "attributes"})


def _instance(model: Any, names: Sequence[str], values: Sequence[Any]) -> Any:
    """A row of the table, as Django reads it."""
    pairs = zip(names, values, strict=True)
    read = [orjson.loads(v) if name in PARSED else v for name, v in pairs]
    return model.from_db("default", names, read)


def _dicts(statement: str, params: Mapping[str, Any]) -> Iterator[Row]:
    cursor = prepared.execute(statement, params)
    names = [column.name for column in cursor.description or ()]
    for values in cursor:
        yield dict(zip(names, values, strict=True))


def _json(rows: Sequence[Row]) -> str:
    return orjson.dumps(rows, default=str).decode()  # amounts are its only others
