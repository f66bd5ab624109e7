"""Crediting an advocate with a friend."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from referral_factory.errors import InvalidInput
from referral_factory.ids import InvalidId, from_public
from referrals.attribution import (
    AlreadyReferred,
    Claim,
    Credit,
    ReferralLoop,
    refuse_unless_creditable,
)
from referrals.mailboxes import canonical, clean
from referrals.models import Campaign, Click, Participant, Referral
from referrals.services.campaigns import refuse_unless_open
from referrals.services.events import match_events_of_referral
from referrals.services.locks import lock_campaign, lock_participant
from referrals.signals import referral_created

Way = Referral.Way


@transaction.atomic
def refer_friend(
    friend: Participant, claim: Claim, *, wall: datetime, friend_is_new: bool = False
) -> tuple[Referral, bool]:
    """Credit the advocate that the claim leads to. The first claim wins.

    Returns the referral and whether it is new; repeating a claim finds the old one.
    Raises InvalidInput for a claim that leads nowhere, and the rule that refuses it
    otherwise (see attribution.py).
    """
    campaign = friend.campaign
    credit = resolve(campaign, claim)
    # A new friend is seen by nobody else yet: no referral, no friends, no events.
    existing = None if friend_is_new else _lock_with_referral(friend)
    if existing:
        return _same_or_refuse(existing, credit), False
    refuse_unless_open(campaign)
    now = campaign.now(wall)
    window = timedelta(days=campaign.attribution_days)
    refuse_unless_creditable(credit, friend, window=window, now=now)
    if not friend_is_new:
        lock_campaign(campaign)
        _refuse_loop(credit.advocate, friend)
    referral = _create(friend, credit, now)
    if not friend_is_new:
        match_events_of_referral(referral, wall=wall)
    return referral, True


def resolve(campaign: Campaign, claim: Claim) -> Credit:
    """Whom a claim leads to; InvalidInput that names the field where it is nobody."""
    people = Participant.objects.filter(campaign=campaign)
    if claim.way == Way.CLICK:
        return _resolve_click(campaign, claim)
    lookups: dict[Way, dict[str, Any]] = {
        Way.CODE: {"code": claim.value.upper()},
        Way.EXTERNAL_ID: {"external_id": claim.value},
    }
    if claim.way == Way.PARTICIPANT:
        lookup: dict[str, Any] = {"pk": _uuid("ptc", claim)}
    elif claim.way == Way.EMAIL:
        lookup = {"email_canonical": canonical(clean(claim.value, claim.pointer))}
    else:
        lookup = lookups[claim.way]
    advocate = people.filter(**lookup).first()
    if advocate is None:
        raise _nobody(claim)
    return Credit(advocate, claim.way)


def _resolve_click(campaign: Campaign, claim: Claim) -> Credit:
    click = Click.objects.filter(
        pk=_uuid("clk", claim), campaign_id=campaign.pk
    ).first()
    advocate = click and Participant.objects.filter(pk=click.participant_id).first()
    if not click or not advocate:
        raise _nobody(claim)
    return Credit(advocate, claim.way, click)


def _uuid(prefix: str, claim: Claim) -> UUID:
    try:
        return from_public(prefix, claim.value)
    except InvalidId as error:
        raise InvalidInput(claim.pointer, str(error)) from error


def _nobody(claim: Claim) -> InvalidInput:
    return InvalidInput(
        claim.pointer, f"No advocate of this campaign has this {claim.way}.", "unknown"
    )


def _lock_with_referral(friend: Participant) -> Referral | None:
    # The friend before the campaign, as whoever changes a friend and refers them does.
    lock_participant(friend)
    return Referral.objects.filter(campaign=friend.campaign_id, friend=friend).first()


def _same_or_refuse(existing: Referral, credit: Credit) -> Referral:
    if existing.advocate_id != credit.advocate.pk:
        raise AlreadyReferred(
            "Somebody else referred them first.", referral=existing.public_id
        )
    return existing


def _refuse_loop(advocate: Participant, friend: Participant) -> None:
    """Walk up from the advocate; meeting the friend there would close a ring."""
    with connection.cursor() as cursor:
        cursor.execute(ANCESTORS, [advocate.pk, friend.pk])
        if cursor.fetchone():
            raise ReferralLoop("The friend is among the advocate's own advocates.")


ANCESTORS = """
WITH RECURSIVE above (id) AS (
    SELECT %s::uuid
    UNION SELECT advocate_id FROM referrals_referral JOIN above ON friend_id = above.id
)
SELECT 1 FROM above WHERE id = %s
"""


def _create(friend: Participant, credit: Credit, now: datetime) -> Referral:
    referral = _new_referral(friend, credit, now)
    referral.save(force_insert=True)
    referral_created.send(sender=Referral, instances=[referral])
    return referral


def _new_referral(friend: Participant, credit: Credit, now: datetime) -> Referral:
    click = credit.click
    return Referral(
        campaign=friend.campaign,
        advocate=credit.advocate,
        friend=friend,
        way=credit.way,
        click_id=click.pk if click else None,
        clicked_at=click.created_at if click else None,
        click_address=click.address if click else None,
        click_user_agent=click.user_agent if click else "",
        created_at=now,
        expires_at=now + timedelta(days=friend.campaign.milestone_within_days),
    )
