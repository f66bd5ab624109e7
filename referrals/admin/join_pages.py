"""The part of a campaign's form that is about its enrolment page."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from rest_framework.exceptions import ValidationError as BadValue

from referral_factory import mail_server
from referral_factory.admin_base import multiline, one_line, tick
from referrals.inputs import JoinFieldInput, JoinInput
from referrals.join_page import MAX_FIELDS, SETTINGS, Kind, Side
from referrals.models import Campaign

PREFIX = "join_"
BLANK_ROWS = 3

FIELDSETS = (
    (
        "Enrolment page: where people join by themselves",
        {
            "fields": (
                "join_open",
                "join_confirm_email",
                "join_show_advocate",
                "join_heading",
                "join_text",
                "join_consent",
                "join_share_text",
            )
        },
    ),
    (
        "Fields: what the page asks beside name and mailbox",
        {"fields": ("asked",)},
    ),
)


class AskedRows(forms.Widget):
    """A row for each field, and some blank ones."""

    def render(
        self, name: str, value: Any, attrs: Any = None, renderer: Any = None
    ) -> SafeString:
        rows = [*(value or []), *([{}] * BLANK_ROWS)][:MAX_FIELDS]
        shown = {"name": name, "rows": rows, "kinds": Kind.choices, "sides": SIDES}
        return render_to_string("admin/referrals/asked_rows.html", shown)

    def value_from_datadict(
        self, data: Mapping[str, Any], files: Any, name: str
    ) -> list[dict[str, Any]] | None:
        """None where the form had no rows at all: then nothing is said of them."""
        if f"{name}-0-name" not in data:
            return None
        rows = [_row(data, f"{name}-{n}") for n in range(MAX_FIELDS)]
        return [row for row in rows if row["name"] or row["label"]]


SIDES = [
    (Side.BOTH.value, "Everybody"),
    (Side.ADVOCATE.value, "Who comes by themselves"),
    (Side.FRIEND.value, "Friends"),
]


def _row(data: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    def given(column: str, default: str = "") -> str:
        return str(data.get(f"{prefix}-{column}", default)).strip()

    return {
        "name": given("name"),
        "label": given("label"),
        "kind": given("kind", Kind.TEXT.value),
        "required": bool(given("required")),
        "choices": [line.strip() for line in given("choices").splitlines() if line],
        "for": given("for", Side.BOTH.value),
    }


class AskedField(forms.Field):
    """Judged by the API's own rules."""

    widget = AskedRows

    def clean(self, value: Any) -> list[dict[str, Any]] | None:
        if value is None:
            return None
        kept = [_judged(number, row) for number, row in enumerate(value, start=1)]
        if len({row["name"] for row in kept}) < len(kept):
            raise forms.ValidationError("Two rows have the same name.")
        return kept

    def has_changed(self, initial: Any, data: Any) -> bool:
        return data is not None and data != (initial or [])


def _judged(number: int, row: dict[str, Any]) -> dict[str, Any]:
    try:
        judged: dict[str, Any] = JoinFieldInput().run_validation(row)
    except BadValue as error:
        raise forms.ValidationError(_said(f"Row {number}", error)) from error
    return judged


def _said(where: str, error: BadValue) -> list[str]:
    details = error.detail if isinstance(error.detail, dict) else {"": error.detail}
    return [
        f"{where}, {name}: {each[0] if isinstance(each, list) else each!s}"
        for name, each in details.items()
    ]


class JoinPageForm(forms.ModelForm):
    """What the enrolment page is, as fields that one can read."""

    join_open = forms.BooleanField(label="Open", required=False, widget=tick())
    join_confirm_email = forms.BooleanField(
        label="Confirm mailboxes first",
        required=False,
        widget=tick(),
        help_text="Nobody is enrolled before they opened a link in a message to them.",
    )
    join_show_advocate = forms.BooleanField(
        label="Say who invited",
        required=False,
        widget=tick(),
        help_text="Friends see the first name of whoever sent them. Only where "
        "mailboxes are confirmed: else anybody could enter one and learn whose it is.",
    )
    join_heading = forms.CharField(
        label="Heading", max_length=200, required=False, widget=one_line()
    )
    join_text = forms.CharField(
        label="Text", max_length=5000, required=False, widget=multiline()
    )
    join_consent = forms.CharField(
        label="Consent",
        max_length=5000,
        required=False,
        widget=multiline(),
        help_text="What people must agree to. Each change is a version that is kept.",
    )
    join_share_text = forms.CharField(
        label="Share text",
        max_length=500,
        required=False,
        widget=multiline(),
        help_text="What shares say: {link} and {campaign} are filled in.",
    )
    asked = AskedField(label="Fields", required=False)

    class Meta:
        model = Campaign
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in SETTINGS:
            self.initial.setdefault(PREFIX + name, self.instance.join.get(name, ""))
        self.initial.setdefault("asked", self.instance.fields)
        if self.instance.slug:
            self.fields["join_open"].help_text = _address(self.instance)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("join_open") and cleaned.get("join_confirm_email"):
            self._need_email()
        try:
            JoinInput().run_validation(self._page(SETTINGS))
        except BadValue as error:
            for name, details in error.detail.items():  # type: ignore[union-attr]
                self.add_error(PREFIX + name, [str(each) for each in details])
        return cleaned

    def _need_email(self) -> None:
        if not mail_server.is_set_up():
            self.add_error(
                "join_confirm_email",
                "E-mail is not set up here, so nobody could confirm: set EMAIL_URL.",
            )

    def page_changes(self) -> dict[str, Any]:
        """What the services take: the settings that were filled in differently."""
        changed = [name for name in SETTINGS if PREFIX + name in self.changed_data]
        changes: dict[str, Any] = {}
        if changed:
            changes["join"] = self._page(changed)
        if self.cleaned_data.get("asked") is not None and "asked" in self.changed_data:
            changes["fields"] = self.cleaned_data["asked"]
        return changes

    def _page(self, names: Any) -> dict[str, Any]:
        given = {name: self.cleaned_data.get(PREFIX + name) for name in names}
        return {
            name: value.replace("\r\n", "\n") if isinstance(value, str) else value
            for name, value in given.items()
            if value is not None
        }


def _address(campaign: Campaign) -> SafeString:
    address = f"{settings.PUBLIC_URL}/join/{campaign.slug}"
    return format_html('At <a href="{0}" class="rf-link">{0}</a>.', address)
