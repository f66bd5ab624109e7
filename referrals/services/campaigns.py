"""A campaign's life: made, changed, launched, paused, ended; and its clock."""

from copy import copy
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from referral_factory.errors import DomainError, InvalidInput
from referral_factory.states import IllegalTransition
from referrals import checklist
from referrals.landing import may_lead_to
from referrals.models import Campaign
from referrals.services.join_pages import (
    keep_consent_text,
    refuse_unconfirmable,
    with_join_settings,
)
from referrals.services.rules import RULES, keep_version, refuse_bad_rules
from referrals.signals import (
    campaign_ended,
    campaign_launched,
    campaign_paused,
    campaign_resumed,
)

SYSTEM = "system"  # who made it, where nobody asked for it


class IncompleteCampaign(DomainError):
    code = "checklist_incomplete"


class CampaignNotOpen(DomainError):
    code = "campaign_not_open"


class NoClock(DomainError):
    code = "no_clock"


class ClockGoesForwardOnly(DomainError):
    code = "clock_goes_forward_only"


class CurrencyIsFixed(DomainError):
    code = "currency_is_fixed"


def create_campaign(*, mode: str, by: str = SYSTEM, **fields: Any) -> Campaign:
    campaign = Campaign(mode=mode, **fields)
    _refuse_foreign_page(campaign.landing_url)
    refuse_bad_rules(campaign)
    refuse_unconfirmable(campaign.join)
    try:
        with transaction.atomic():
            campaign.save(force_insert=True)
            keep_consent_text(campaign)
            keep_version(campaign, by)
    except IntegrityError as error:
        raise _refusal(error) from error
    return campaign


@transaction.atomic
def change_campaign(
    campaign: Campaign, *, by: str = SYSTEM, **changes: Any
) -> Campaign:
    """Change fields; new rules get a new version, and old decisions keep theirs."""
    locked = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    changes = with_join_settings(locked, changes)
    _refuse_another_currency(locked, changes)
    _refuse_foreign_page(changes.get("landing_url", ""))
    anew = _with_other_rules(locked, changes)
    if anew:
        refuse_bad_rules(anew)
        keep_version(locked, by)
        changes["version"] = F("version") + 1
    try:
        with transaction.atomic():
            Campaign.objects.filter(pk=locked.pk).update(**changes)
    except IntegrityError as error:
        raise _refusal(error) from error
    locked.refresh_from_db()
    keep_consent_text(locked)
    if anew:
        keep_version(locked, by)
    return locked


@transaction.atomic
def launch_campaign(campaign: Campaign, *, wall: datetime) -> Campaign:
    missing = [item.name for item in checklist.items(campaign) if not item.done]
    if missing and campaign.status == Campaign.Status.DRAFT:
        raise IncompleteCampaign(
            f"Not ready to launch: {', '.join(missing)}.", missing=missing
        )
    _only_from(Campaign.Status.DRAFT, campaign)
    _refuse_foreign_page(campaign.landing_url)
    campaign.launch(now=campaign.now(wall))
    campaign_launched.send(sender=Campaign, instances=[campaign])
    return campaign


@transaction.atomic
def pause_campaign(campaign: Campaign) -> Campaign:
    campaign.pause()
    campaign_paused.send(sender=Campaign, instances=[campaign])
    return campaign


@transaction.atomic
def resume_campaign(campaign: Campaign) -> Campaign:
    _only_from(Campaign.Status.PAUSED, campaign)
    campaign.resume()
    campaign_resumed.send(sender=Campaign, instances=[campaign])
    return campaign


@transaction.atomic
def end_campaign(campaign: Campaign, *, wall: datetime) -> Campaign:
    campaign.end(now=campaign.now(wall))
    campaign_ended.send(sender=Campaign, instances=[campaign])
    return campaign


def move_clock(campaign: Campaign, *, to: datetime, wall: datetime) -> Campaign:
    """Set a test campaign's clock: anywhere while it is a draft, then only forward."""
    if campaign.mode != Campaign.Mode.TEST:
        raise NoClock("Only a campaign in test mode has a clock of its own.")
    offset = to - wall
    rows = Campaign.objects.filter(pk=campaign.pk)
    if campaign.status != Campaign.Status.DRAFT:
        rows = rows.filter(clock_offset__lte=offset)
    if not rows.update(clock_offset=offset):
        now = f"{campaign.now(wall):%Y-%m-%d %H:%M:%S} UTC"
        raise ClockGoesForwardOnly(
            f"It is {now} in this campaign already, and since the launch its clock "
            "only goes forward. For another beginning, copy the campaign and set the "
            "clock of the draft."
        )
    campaign.clock_offset = offset
    return campaign


def refuse_unless_open(campaign: Campaign) -> None:
    """Nobody new joins a campaign that is not live."""
    if campaign.status != Campaign.Status.LIVE:
        raise CampaignNotOpen(
            f"The campaign is {campaign.status}: nobody new is enrolled or referred.",
            current=campaign.status,
        )


def refuse_unless_launched(campaign: Campaign) -> None:
    """Events are judged as long as there is something to judge: paused, and ended."""
    if campaign.status == Campaign.Status.DRAFT:
        raise CampaignNotOpen("The campaign was not launched yet.", current="draft")


def _only_from(status: Campaign.Status, campaign: Campaign) -> None:
    """Both launching and resuming end at live: each has its own way there."""
    if campaign.status != status:
        raise IllegalTransition(
            f"It is {campaign.status}, not {status}.", current=campaign.status
        )


def _refuse_foreign_page(page: str) -> None:
    """Links lead only to pages of hosts that LANDING_HOSTS names, if it names any."""
    if page and not may_lead_to(page, settings.LANDING_HOSTS):
        allowed = ", ".join(settings.LANDING_HOSTS) or "any host, by http or https"
        raise InvalidInput(
            "/landing_url", f"Links may lead to {allowed}.", "host_not_allowed"
        )


def _with_other_rules(campaign: Campaign, changes: dict[str, Any]) -> Campaign | None:
    """The campaign as its rules are to be; None where they stay."""
    rules = {name: value for name, value in changes.items() if name in RULES}
    anew = copy(campaign)
    for name, value in rules.items():
        setattr(anew, name, value)
    same = all(getattr(campaign, name) == value for name, value in rules.items())
    return None if same else anew


def _refuse_another_currency(campaign: Campaign, changes: dict[str, Any]) -> None:
    other = changes.get("currency", campaign.currency) != campaign.currency
    if other and campaign.status != Campaign.Status.DRAFT:
        raise CurrencyIsFixed("The currency can be changed only before the launch.")


def _refusal(error: IntegrityError) -> Exception:
    if "slug" in str(error):
        return InvalidInput(
            "/slug", "Another campaign has this slug: choose another.", "taken"
        )
    return error
