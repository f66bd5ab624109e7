"""The statements of an enrolment: each is about all the people of a call at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from referral_factory import prepared
from referral_factory.prepared import array
from referrals.models import Campaign, Participant
from referrals.services.locks import lock_names, names_as
from referrals.services.people import Person

# The columns that an enrolment writes, as PostgreSQL's json_to_recordset names them.
TYPES = {
    "id": "uuid",
    "campaign_id": "uuid",
    "external_id": "text",
    "email": "text",
    "email_canonical": "text",
    "name": "text",
    "status": "text",
    "code": "text",
    "attributes": "jsonb",
    "source": "text",
    "address": "inet",
    "user_agent": "text",
    "customer_since": "timestamptz",
    "confirmed_at": "timestamptz",
    "created_at": "timestamptz",
}

# Who is known by these names, and what is: one look, since each takes its time.
GATHER = """
    SELECT found.kind, found.expected, participant.*
    FROM (
        SELECT 'known' AS kind, '' AS expected, id FROM referrals_participant
        WHERE campaign_id = %(campaign)s
            AND external_id = ANY (%(external_ids)s::text[])
        UNION
        SELECT 'known', '', id FROM referrals_participant
        WHERE campaign_id = %(campaign)s
            AND email_canonical = ANY (%(mailboxes)s::text[])
        UNION
        SELECT 'awaited', person, NULL FROM referrals_event
        WHERE campaign_id = %(campaign)s AND person = ANY (%(names)s::text[])
            AND participant_id IS NULL
        UNION
        SELECT 'invited', email_canonical, NULL FROM referrals_invitation
        WHERE campaign_id = %(campaign)s
            AND email_canonical = ANY (%(mailboxes)s::text[])
    ) AS found
    LEFT JOIN referrals_participant AS participant ON participant.id = found.id
"""

KNOWN_AS = """
    SELECT external_id, email_canonical FROM referrals_participant
    WHERE campaign_id = %(campaign)s AND external_id = ANY (%(external_ids)s::text[])
    UNION ALL
    SELECT external_id, email_canonical FROM referrals_participant
    WHERE campaign_id = %(campaign)s AND email_canonical = ANY (%(mailboxes)s::text[])
"""

INSERT = f"""
    INSERT INTO referrals_participant ({", ".join(TYPES)})
    SELECT {", ".join(TYPES)}
    FROM json_to_recordset(%(rows)s::json) AS fresh
        ({", ".join(f"{name} {kind}" for name, kind in TYPES.items())})
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - TYPES is a constant

# In the order of their ids, so that two calls about the same people never wait for each
# other in a circle.
LOCK = """
    SELECT id FROM referrals_participant
    WHERE id = ANY (%s) AND status <> 'erased' ORDER BY id FOR NO KEY UPDATE
"""

UPDATE = """
    UPDATE referrals_participant AS known SET {changes}
    FROM json_to_recordset(%s) AS changed (id uuid, {typed})
    WHERE known.id = changed.id AND known.status <> 'erased'
"""


@dataclass(frozen=True)
class Gathered:
    """What is known under the names of a call, which are held from now on."""

    people: list[Participant]
    awaited: set[str]  # names that events came under before
    invited: set[str]  # mailboxes that somebody had invited


def gather(
    campaign: Campaign, people: Sequence[Person], names: Collection[str]
) -> Gathered:
    """Hold the names of these people, and then look who and what is known by them.

    A statement sees what is committed when it begins: what is found is as it is now
    that the names are ours.
    """
    lock_names(campaign, names)
    params = {
        "campaign": campaign.pk,
        "names": array(names),
        "external_ids": array(who.external_id for who in people if who.external_id),
        "mailboxes": array(who.mailbox for who in people if who.mailbox),
    }
    known: list[Participant] = []
    expected: dict[str, set[str]] = {"awaited": set(), "invited": set()}
    found = prepared.execute(GATHER, params)
    rows = found.fetchall()
    columns = [column.name for column in found.description[2:]] if rows else []
    for kind, name, *values in rows:
        if kind == "known":
            known.append(_person(campaign, dict(zip(columns, values, strict=True))))
        else:
            expected[kind].add(name)
    return Gathered(known, expected["awaited"], expected["invited"])


def known_as(campaign: Campaign, people: Iterable[Person]) -> set[str]:
    """The names of whoever answers to one of these people's names just now."""
    people = list(people)
    params = {
        "campaign": campaign.pk,
        "external_ids": array(who.external_id for who in people if who.external_id),
        "mailboxes": array(who.mailbox for who in people if who.mailbox),
    }
    rows = prepared.execute(KNOWN_AS, params).fetchall()
    return {name for row in rows for name in names_as(*row)}


def insert(newcomers: Mapping[UUID, Participant]) -> set[UUID]:
    """Write them all; the ids of those whose names nobody had meanwhile."""
    # By their dictionaries: Django's attributes take their time.
    fresh = map(vars, newcomers.values())
    rows = [{column: values[column] for column in TYPES} for values in fresh]
    found = prepared.execute(INSERT, {"rows": _json(rows)})
    return prepared.written(Participant, newcomers.keys(), found)


def update(
    changes: Mapping[UUID, Mapping[str, Any]], friends: Collection[UUID] = ()
) -> set[UUID]:
    """Write what changed of each; the ids of those who were not erased meanwhile.

    `friends`: who is about to be referred, and locked for it; they are locked here
    with the others, since the order of ids holds for all that one call locks.

    One statement for all whose same columns change; no other column is touched.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [[*changes, *friends]])
        alive = {pk for (pk,) in cursor.fetchall()}
        for columns in {tuple(sorted(change)) for change in changes.values()}:
            rows = [
                {"id": pk, **change}
                for pk, change in changes.items()
                if pk in alive and tuple(sorted(change)) == columns
            ]
            statement = UPDATE.format(
                changes=", ".join(f"{name} = changed.{name}" for name in columns),
                typed=_typed(columns),
            )
            cursor.execute(statement, [_json(rows)])
    return alive


def _person(campaign: Campaign, values: dict[str, Any]) -> Participant:
    """A row of the table, as Django reads it."""
    values["attributes"] = orjson.loads(values["attributes"])
    person = Participant(**values)
    person.campaign = campaign
    person._state.adding = False
    return person


def _typed(columns: Iterable[str]) -> str:
    return ", ".join(f"{name} {TYPES[name]}" for name in columns)


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps(rows).decode()
