"""Who referred whom, around one person: up to the first one, and down some levels.

Each direction is one query, whatever the size of the tree.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection

from referrals.models import Participant

HIGHEST = 50  # levels up; a guard, since there are no loops
SHOWN = (50, 5, 3)  # friends of one person, level by level
COUNTED_TO = 1000  # for the person at the top; of the others:
COUNTED_BELOW = 100

UP = """
    WITH RECURSIVE line AS (
        SELECT advocate_id, friend_id, status, 1 AS level
        FROM referrals_referral WHERE friend_id = %(person)s
        UNION ALL
        SELECT r.advocate_id, r.friend_id, r.status, line.level + 1
        FROM line JOIN referrals_referral r ON r.friend_id = line.advocate_id
        WHERE line.level < %(highest)s
    )
    SELECT p.id, p.name, p.email, p.external_id, p.status, line.status
    FROM line JOIN referrals_participant p ON p.id = line.advocate_id
    ORDER BY line.level DESC
"""

# The limits keep a page readable, and its cost bounded, below somebody with thousands.
DOWN = """
    WITH RECURSIVE line AS (
        SELECT %(person)s::uuid AS friend_id, NULL::uuid AS advocate_id,
            NULL::uuid AS referral_id, NULL::varchar AS status, 0 AS level
        UNION ALL
        SELECT r.friend_id, r.advocate_id, r.id, r.status, line.level + 1
        FROM line CROSS JOIN LATERAL (
            SELECT id, friend_id, advocate_id, status FROM referrals_referral
            WHERE advocate_id = line.friend_id
            ORDER BY id DESC LIMIT (%(shown)s::int[])[line.level + 1]
        ) AS r
        WHERE line.level < cardinality(%(shown)s::int[])
    )
    SELECT p.id, p.name, p.email, p.external_id, p.status,
        line.advocate_id, line.status, (
            SELECT count(*) FROM (
                SELECT 1 FROM referrals_referral WHERE advocate_id = p.id
                LIMIT CASE line.level WHEN 0 THEN %(most)s ELSE %(below)s END + 1
            ) AS theirs
        )
    FROM line JOIN referrals_participant p ON p.id = line.friend_id
    ORDER BY line.level, line.referral_id DESC
"""


@dataclass
class Node:
    """Somebody in the tree, with the referral that brought them there."""

    pk: UUID
    referral_status: str | None  # None: nobody referred them
    name: str
    status: str
    count: int = 0  # of their friends, as far as they were counted
    counted_to: int = 0
    friends: list["Node"] = field(default_factory=list)

    @property
    def number(self) -> str:
        """How many friends they have, in words: '3', 'more than 100'."""
        return _words(self.count, self.counted_to)

    @property
    def more(self) -> str:
        """How many of them are not shown; empty where all are."""
        hidden = self.count - len(self.friends)
        return _words(hidden, self.counted_to - len(self.friends)) if hidden else ""


@dataclass
class Tree:
    line: list[Node]  # from the first one down to who referred the person
    person: Node


def tree_of(person: Participant) -> Tree:
    """Two queries."""
    below = _below(person)
    line: list[Node] = []
    status = None  # of the referral that brought the one above here
    for key, *names, own, brought in _rows(UP, person, highest=HIGHEST):
        line.append(Node(key, status, _name(key, *names), own))
        status = brought
    below.referral_status = status
    return Tree(line, below)


def _below(person: Participant) -> Node:
    limits = {"shown": list(SHOWN), "most": COUNTED_TO, "below": COUNTED_BELOW}
    nodes: dict[UUID, Node] = {}
    for key, *names, own, advocate, status, count in _rows(DOWN, person, **limits):
        counted_to = COUNTED_BELOW if advocate else COUNTED_TO
        node = Node(key, status, _name(key, *names), own, count, counted_to)
        nodes[key] = node
        if advocate:
            nodes[advocate].friends.append(node)
    return nodes[person.pk]


def _rows(statement: str, person: Participant, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"person": person.pk, **values})
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def _name(key: UUID, name: str, email: str | None, external_id: str | None) -> str:
    return str(Participant(id=key, name=name, email=email, external_id=external_id))


def _words(number: int, counted_to: int) -> str:
    return f"more than {counted_to}" if number > counted_to else str(number)
