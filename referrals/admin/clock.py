"""Moving the clock of a test campaign, to see what time brings about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from referral_factory.admin_base import moment_field, select
from referral_factory.admin_verbs import Asked, Verb
from referrals.models import Campaign
from referrals.services.clock import advance_clock
from referrals.telling import settled_in_words

BY = {
    1: "a day",
    7: "a week",
    30: "30 days",
    90: "90 days",
    365: "a year",
}


class ClockForm(forms.Form):
    """By a step, or to a moment."""

    by = forms.TypedChoiceField(
        choices=[("", "to the moment below"), *BY.items()],
        coerce=int,
        empty_value=None,
        required=False,
        initial=1,
        label="Forward by",
        widget=select(),
    )
    to = moment_field(
        label="Or to",
        help_text="In UTC; it goes before the step. While the campaign is a draft, "
        "anywhere; then forward only.",
    )

    def clean(self) -> dict[str, Any]:
        by, to = self.cleaned_data.get("by"), self.cleaned_data.get("to")
        if by is None and to is None and not self.errors:
            self.add_error("to", "Say when, or choose a step above.")
        return self.cleaned_data


def move(row: Campaign, asked: Asked) -> str:
    by = asked.given["by"]
    to: datetime = asked.given["to"] or row.now(asked.wall) + timedelta(days=by)
    done = advance_clock(row, to=to, wall=asked.wall)
    said = f"set to {to.astimezone(UTC):%-d %b %Y, %H:%M} UTC"
    return f"{said}: {settled_in_words(**done)}"


def tell(row: Campaign) -> str:
    return f"{row}: it is {row.now(timezone.now()):%-d %b %Y, %H:%M} UTC there."


MOVE_CLOCK = Verb(
    "clock",
    "Move its clock",
    "referrals.change_campaign",
    move,
    ClockForm,
    suits=lambda campaign: campaign.mode == Campaign.Mode.TEST,
    explains="All that is due by then happens at once: holding periods end, windows "
    "expire, and rewards follow. Time cannot be turned back once it is launched.",
    tells=tell,
)
