"""Copying a campaign that was tested into a live one."""

from django import forms

from referral_factory.admin_base import one_line
from referral_factory.admin_verbs import Asked, Verb
from referrals.inputs import SLUG
from referrals.models import Campaign
from referrals.services.copying import copy_campaign


class CopyForm(forms.Form):
    name = forms.CharField(
        max_length=200,
        required=False,
        widget=one_line(),
        help_text="Empty: the same name.",
    )
    slug = forms.RegexField(
        SLUG,
        max_length=80,
        required=False,
        widget=one_line(),
        help_text="Its short name in addresses. Empty: as this one, with -live.",
    )


def copy(row: Campaign, asked: Asked) -> str:
    made = copy_campaign(
        row, by=asked.by, name=asked.given["name"], slug=asked.given["slug"]
    )
    return f"copied to the live draft {made.slug}; its sources, if any, need secrets"


COPY = Verb(
    "copy",
    "Copy to live",
    "referrals.add_campaign",
    copy,
    form=CopyForm,
    suits=lambda campaign: campaign.mode == Campaign.Mode.TEST,
    explains="Makes a live draft with the same rules, reward rules, fields, enrolment "
    "page, e-mails and sources (which need secrets of their own). People, events and "
    "rewards of the test stay here.",
)
