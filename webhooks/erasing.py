"""What was told of a person, once they are erased.

Messages that are about them keep their place, their number and their type, and say
what is left. What was not delivered yet is delivered like that.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from referral_factory.wire import as_json
from referrals.erasure import Erasure
from referrals.models import Participant
from referrals.serializers import ParticipantSerializer
from rewards.services.erasing import lock_rewards, without_evidence
from webhooks.models import Message

Data = dict[str, Any]

AT_ONCE = 500
ALL = Q()

REWRITE = """
    WITH rewritten AS (
        SELECT * FROM unnest(%(ids)s::uuid[], %(bodies)s::text[]) AS new (id, body)
    ), message AS (
        UPDATE webhooks_message message SET body = rewritten.body
        FROM rewritten WHERE message.id = rewritten.id
    )
    UPDATE webhooks_attempt attempt SET response_body = ''
    FROM webhooks_delivery delivery
    WHERE delivery.message_id = ANY (%(ids)s::uuid[])
        AND attempt.delivery_id = delivery.id AND attempt.response_body <> ''
"""


def forget_person(erasure: Erasure) -> None:
    """Rewrite every message about them, and what was answered to it."""
    forget = _Forgetting(erasure)
    rewards = [reward.pk for reward in lock_rewards(erasure)]
    theirs = [*erasure.people, *erasure.referrals, *erasure.events, *rewards]
    for some in _messages_about(theirs):
        _write({key: forget.body(kind, body) for key, kind, body in some})
    telling_a_code = Q()
    for code in erasure.codes:
        telling_a_code |= Q(body__contains=code)
    for some in _messages_about(erasure.friends, telling_a_code):
        rewritten = {key: forget.body(kind, body) for key, kind, body in some}
        _write({key: rewritten[key] for key, _, old in some if rewritten[key] != old})


def _messages_about(
    keys: Sequence[UUID], which: Q = ALL
) -> Iterator[list[tuple[UUID, str, str]]]:
    """Id, type and body; some at a time, however many there are."""
    for start in range(0, len(keys), AT_ONCE):
        about = Message.objects.filter(object_id__in=keys[start : start + AT_ONCE])
        rows = about.filter(which)
        yield from _chunks(rows.values_list("id", "type", "body").iterator(AT_ONCE))


def _write(bodies: dict[UUID, str]) -> None:
    with connection.cursor() as cursor:
        ids, texts = list(bodies), list(bodies.values())
        cursor.execute(REWRITE, {"ids": ids, "bodies": texts})


def _chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    some: list[Any] = []
    for row in rows:
        some.append(row)
        if len(some) == AT_ONCE:
            yield some
            some = []
    if some:
        yield some


class _Forgetting:
    """How the data of each kind of message looks without the person."""

    def __init__(self, erasure: Erasure) -> None:
        self.erasure = erasure
        rows = ParticipantSerializer.prepare(Participant.objects.all())
        people = rows.in_bulk(list(erasure.people)).values()
        self.people = {row.public_id: ParticipantSerializer(row).data for row in people}

    def body(self, message_type: str, body: str) -> str:
        envelope = json.loads(body)
        noun = message_type.partition(".")[0]
        forget: Callable[[Data], Data] = getattr(self, noun)
        envelope["data"] = forget(envelope["data"])
        return as_json(envelope).decode()

    def participant(self, data: Data) -> Data:
        """Themselves as they are now; a friend of theirs without their code."""
        if data["id"] in self.people:
            return self.people[data["id"]]
        credit = data.get("referred_by")
        if credit and credit["advocate"] in self.people:
            code = self.erasure.participant.code
            data["referred_by"] = {**credit, "code": code}
        return data

    def referral(self, data: Data) -> Data:
        return {**data, "reason": self.erasure.redacted(data["reason"])}

    def event(self, data: Data) -> Data:
        return {**data, "properties": {}}

    def reward(self, data: Data) -> Data:
        return {
            **data,
            "reasons": without_evidence(data["reasons"], self.erasure),
            "decision_note": self.erasure.redacted(data["decision_note"]),
            "reference": self.erasure.redacted(data["reference"]),
        }
