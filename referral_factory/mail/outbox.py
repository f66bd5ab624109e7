"""Rows of e-mails, written in the transaction of what they are about."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.utils import timezone
from django.utils.translation import get_language

from referral_factory import mail_server
from referral_factory.ids import new_id
from referral_factory.mail.models import Audience, EmailTemplate, Kind
from referrals.models import Participant

# One statement for a batch of any size. What was written before stays as it is.
WRITE = """
    INSERT INTO mail_email (id, campaign_id, about, participant_id, kind, urgent,
        language, status, attempts, due_at, error, created_at)
    SELECT row.*, %(kind)s, %(urgent)s, %(language)s, 'pending', 0, %(now)s, '', %(now)s
    FROM unnest(%(ids)s::uuid[], %(campaigns)s::uuid[], %(abouts)s::uuid[],
        %(participants)s::uuid[]) AS row
    ON CONFLICT (kind, about) DO NOTHING
"""


class Addressed(NamedTuple):
    """Something to write to somebody about."""

    campaign_id: UUID
    about: UUID
    participant_id: UUID | None
    source: str  # how they came in


def write(kind: Kind, people: Sequence[Addressed]) -> None:
    """A row for each of those whom their campaign wants to be told."""
    if not mail_server.is_set_up():
        return
    wanted = people if kind == Kind.CONFIRMATION else _wanted(kind, people)
    if not wanted:
        return
    columns: dict[str, Any] = {
        "ids": [new_id() for _ in wanted],
        "campaigns": [each.campaign_id for each in wanted],
        "abouts": [each.about for each in wanted],
        "participants": [each.participant_id for each in wanted],
    }
    rest = {
        "kind": kind.value,
        "urgent": kind == Kind.CONFIRMATION,
        "language": (get_language() or "")[:10],
        "now": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(WRITE, columns | rest)


def is_wanted(audience: str, source: str) -> bool:
    """Whether a campaign with that audience writes to whoever came in that way."""
    return audience == Audience.EVERYBODY or (
        audience == Audience.JOINED and source == Participant.Source.JOIN
    )


def _wanted(kind: Kind, people: Sequence[Addressed]) -> list[Addressed]:
    campaigns = {each.campaign_id for each in people}
    rows = EmailTemplate.objects.filter(kind=kind, campaign__in=campaigns)
    audiences = dict(rows.values_list("campaign_id", "audience"))
    return [
        each
        for each in people
        if is_wanted(audiences.get(each.campaign_id, Audience.JOINED), each.source)
    ]
