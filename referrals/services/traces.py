"""What a person left in rows that are not their own, and how it is cleared."""

from uuid import UUID

from django.db import connection
from django.db.models import CharField, Q, Value
from django.db.models.functions import Cast, Concat

from referrals.cookies import read_cookie
from referrals.erasure import Erasure
from referrals.models import (
    Click,
    Consent,
    Event,
    Invitation,
    JoinRequest,
    Referral,
    ReferralChange,
    RefusedClaim,
)
from referrals.services.locks import email_name, external_id_name
from referrals.services.tombstones import half_digest
from referrals.services.tracing import click_key

Way = Referral.Way

# A row of a file is theirs where a cell of it is a name of theirs, was read as one, or
# has their mailbox in it ("Ann <ann@example.com>" is no address, and stays as it is).
CLEAR_FAULTS = """
    UPDATE referrals_importfault fault
    SET "values" = '[]', detail = 'The row was about somebody who was erased.'
    FROM referrals_import import
    WHERE fault.owner_id = import.id AND import.campaign_id = %(campaign)s
        AND (fault.names && %(digests)s::bigint[]
            OR EXISTS (SELECT FROM jsonb_array_elements_text(fault."values") AS cell
                WHERE lower(btrim(cell)) = ANY (%(names)s) OR EXISTS (
                    SELECT FROM unnest(%(mailboxes)s::text[]) AS mailbox
                    WHERE strpos(lower(cell), mailbox) > 0)))
"""

# What decisions saw of them: all of it in their own events, and what a condition read
# of the advocate in those of their friends. The answers stay.
CLEAR_SEEN = """
    UPDATE referrals_event event
    SET decision = jsonb_set(decision, '{checks}', (
        SELECT jsonb_agg(
            CASE
                WHEN check_ -> 'saw' IS NULL THEN check_
                WHEN event.id = ANY (%(events)s) THEN check_ - 'saw'
                ELSE jsonb_set(check_, '{saw}', (
                    SELECT coalesce(jsonb_object_agg(name, value), '{}')
                    FROM jsonb_each(check_ -> 'saw') AS seen (name, value)
                    WHERE name NOT LIKE 'advocate.%%'))
            END ORDER BY place)
        FROM jsonb_array_elements(decision -> 'checks')
            WITH ORDINALITY AS checks (check_, place)))
    WHERE decision @? '$.checks[*].saw'
        AND (id = ANY (%(events)s) OR referral_id = ANY (%(referrals)s))
"""


def clear(erasure: Erasure) -> None:
    """Blank what is theirs in rows that stay, and drop rows that are only theirs."""
    _clear_visits(erasure)
    Event.objects.filter(pk__in=erasure.events).update(properties={})
    _clear_seen(erasure)
    Consent.objects.filter(participant__in=erasure.people).update(address=None)
    _clear_reasons(erasure)
    _clear_claims(erasure)
    _drop_invitations(erasure)
    _clear_join_requests(erasure)
    _clear_faults(erasure)


def _clear_seen(erasure: Erasure) -> None:
    known = {"events": list(erasure.events), "referrals": list(erasure.referrals)}
    with connection.cursor() as cursor:
        cursor.execute(CLEAR_SEEN, known)


def _clear_visits(erasure: Erasure) -> None:
    """The clicks that they came by, and what was copied of them."""
    came_by = Referral.objects.filter(friend__in=erasure.people)
    credited = set(came_by.values_list("click_id", flat=True))
    clicks = [pk for pk in credited | _claimed_clicks(erasure) if pk]
    Click.objects.filter(pk__in=clicks).update(
        address=None, user_agent="", parameters={}
    )
    came_by.update(click_address=None, click_user_agent="")


def _claimed_clicks(erasure: Erasure) -> set[UUID | None]:
    claims = RefusedClaim.objects.filter(friend__in=erasure.people)
    given = claims.filter(way__in=[Way.COOKIE, Way.CLICK]).values_list("way", "value")
    campaign_id = erasure.participant.campaign_id
    return {
        read_cookie(value, campaign_id) if way == Way.COOKIE else click_key(value)
        for way, value in given
    }


def _clear_reasons(erasure: Erasure) -> None:
    """Why a person decided something, in their own words."""
    referrals = Referral.objects.filter(pk__in=erasure.referrals)
    changes = ReferralChange.objects.filter(referral__in=erasure.referrals)
    for rows in (referrals, changes):
        for pk, said in rows.exclude(reason="").values_list("pk", "reason"):
            redacted = erasure.redacted(said)
            if redacted != said:
                rows.filter(pk=pk).update(reason=redacted)


def _clear_claims(erasure: Erasure) -> None:
    """That somebody claimed them stays, by which way, and why it was refused."""
    claims = RefusedClaim.objects.filter(campaign=erasure.participant.campaign_id)
    claims.filter(
        Q(friend__in=erasure.people)
        | Q(advocate__in=erasure.people)
        | Q(value__in=erasure.words)
    ).update(value=Concat(Value("erased "), Cast("pk", CharField())))


def _drop_invitations(erasure: Erasure) -> None:
    invitations = Invitation.objects.filter(campaign=erasure.participant.campaign_id)
    invitations.filter(
        Q(advocate__in=erasure.people) | Q(email_canonical__in=erasure.mailboxes)
    ).delete()


def _clear_join_requests(erasure: Erasure) -> None:
    waiting = JoinRequest.objects.filter(campaign=erasure.participant.campaign_id)
    waiting.filter(email_canonical__in=erasure.mailboxes).delete()
    for request in waiting.exclude(claims=[]):
        kept = [each for each in request.claims if each["value"] not in erasure.words]
        if kept != request.claims:
            waiting.filter(pk=request.pk).update(claims=kept)


def _clear_faults(erasure: Erasure) -> None:
    names = {*erasure.mailboxes, erasure.external_id} - {""}
    called = [email_name(mailbox) for mailbox in erasure.mailboxes]
    called.append(external_id_name(erasure.external_id))
    with connection.cursor() as cursor:
        cursor.execute(
            CLEAR_FAULTS,
            {
                "campaign": erasure.participant.campaign_id,
                "names": [name.lower() for name in names],
                "mailboxes": [mailbox.lower() for mailbox in erasure.mailboxes],
                "digests": [half_digest(name) for name in called],
            },
        )
