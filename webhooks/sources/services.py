"""What can be done with sources."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from referral_factory.errors import InvalidInput
from referrals.models import Campaign
from webhooks.models import Source
from webhooks.sources import keyring, mapping
from webhooks.sources.schemes import PRESETS, Scheme, problem_of

Kinds = Source.Verification


def create_source(
    campaign: Campaign, *, verification: str, secret: str = "", **fields: Any
) -> tuple[Source, str]:
    """A new source, with the secret that it proves itself by.

    A secret that the other system made is brought along; otherwise one is made here,
    and shown this once. Where nothing is verified there is none.
    """
    check_proof(campaign, verification, secret)
    if not secret and verification != Kinds.NONE:
        secret = keyring.new_secret(verification)
    source = Source(campaign=campaign, verification=verification, **fields)
    _check(source)
    source.secrets = keyring.first_ring(verification, secret)
    source.save(force_insert=True)
    return source, secret


def copy_sources(copied_from: Campaign, campaign: Campaign) -> None:
    """Give a campaign the sources of another: how each proves itself and is read.

    No secret comes along: each has one that nobody has seen, and hears nothing until
    it is replaced. What proves nothing is for test mode, and stays there.
    """
    sources = copied_from.sources.filter(deleted_at=None)
    if campaign.mode != Campaign.Mode.TEST:
        sources = sources.exclude(verification=Kinds.NONE)
    Source.objects.bulk_create(
        Source(
            campaign=campaign,
            name=source.name,
            verification=source.verification,
            scheme=source.scheme,
            mapping=source.mapping,
            secrets=keyring.first_ring(
                source.verification, keyring.new_secret(source.verification)
            ),
        )
        for source in sources.order_by("id")
    )


def change_source(source: Source, **changes: Any) -> Source:
    for name, value in changes.items():
        setattr(source, name, value)
    _check(source)
    source.save(update_fields=list(changes))
    return source


@transaction.atomic
def rotate_secret(
    source: Source,
    *,
    now: datetime,
    secret: str = "",
    overlap: timedelta = keyring.OVERLAP,
) -> str:
    """A new secret, made here or brought along; those before it hold for `overlap`."""
    if source.verification == Kinds.NONE or secret:
        keyring.check_secret(source.verification, secret)
    secret = secret or keyring.new_secret(source.verification)
    # Of two at once, each adds to what the other left: both were shown theirs.
    source.refresh_from_db(
        fields=["secrets"], from_queryset=Source.objects.select_for_update()
    )
    ring = keyring.turned(source, secret, now=now, overlap=overlap)
    change_source(source, secrets=ring)
    return secret


def delete_source(source: Source, *, now: datetime) -> None:
    """It is heard no more. Its log stays until its retention ends."""
    change_source(source, deleted_at=now)


def address_of(source: Source) -> str:
    """The URL that the other system sends to."""
    return f"{settings.PUBLIC_URL}/in/{source.public_id}"


def scheme_of(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """How signatures are made, from a preset or from its parts."""
    if not given:
        return {}
    parts = dict(given)
    preset = PRESETS.get(parts.pop("preset", ""))
    if preset is None and "header" not in parts:
        raise InvalidInput("/hmac", "Name a preset, or a header.", "required")
    scheme = Scheme(**{**(asdict(preset) if preset else {}), **parts})
    if problem := problem_of(scheme):
        raise InvalidInput("/hmac", problem, "unsound_scheme")
    return scheme.as_json()


def _check(source: Source) -> None:
    is_hmac = source.verification == Kinds.HMAC
    if is_hmac and not source.scheme:
        raise InvalidInput("/hmac", "Say how it signs: a preset, or parts.", "required")
    if source.scheme and not is_hmac:
        raise InvalidInput("/hmac", "That is for the verification `hmac`.")
    faults = mapping.faults_in(source.mapping, source.verification)
    if faults:
        first = faults[0]
        raise InvalidInput(f"/mapping{first.pointer}", first.detail, first.code)


def check_proof(campaign: Campaign, verification: str, secret: str) -> None:
    """Refuse a way to prove oneself that proves nothing."""
    if secret:
        keyring.check_secret(verification, secret)
    if verification == Kinds.NONE and campaign.mode != Campaign.Mode.TEST:
        raise InvalidInput(
            "/verification",
            "In live mode a source proves itself: anybody could report events.",
            "not_verified",
        )
