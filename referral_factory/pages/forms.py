"""The form of an enrolment page, made from the campaign's own fields."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError as BadValue

from referral_factory.errors import InvalidInput
from referral_factory.text import clean_text
from referral_factory.wire import LARGEST_INTEGER, JsonObjectField
from referrals import mailboxes
from referrals.join_page import Field, JoinPage, Kind, Side, fields_of
from referrals.models import Campaign

LINE = 500
LONG = 5000
PREFIX = "field_"  # the campaign's names and ours stay apart

UNKEPT = {
    "card_number": _("This looks like the number of a payment card: leave it out."),
}
UNREADABLE = _("There are characters in it that cannot be kept.")


class Text(forms.CharField):
    """Text with the same limits as the API's."""

    def __init__(self, *, multiline: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.multiline = multiline

    def clean(self, value: Any) -> str:
        try:
            text = clean_text(super().clean(value), multiline=self.multiline)
        except BadValue as error:
            (code,) = cast(list[str], error.get_codes())
            raise forms.ValidationError(UNKEPT.get(code, UNREADABLE)) from error
        return text


class Email(Text):
    def clean(self, value: Any) -> str:
        text = super().clean(value)
        try:
            return mailboxes.clean(text)
        except InvalidInput as error:
            message = _("No mail could be sent to this address. Is there a slip in it?")
            raise forms.ValidationError(message) from error


def _line(field: Field) -> forms.Field:
    return Text(max_length=LINE)


def _long_text(field: Field) -> forms.Field:
    widget = forms.Textarea(attrs={"rows": 4})
    return Text(max_length=LONG, multiline=True, widget=widget)


def _number(field: Field) -> forms.Field:
    return forms.DecimalField(
        min_value=-LARGEST_INTEGER,
        max_value=LARGEST_INTEGER,
        max_digits=20,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )


def _choice(field: Field) -> forms.Field:
    choices = [("", _("Please choose")), *((each, each) for each in field.choices)]
    return forms.ChoiceField(choices=choices)


def _tick(field: Field) -> forms.Field:
    return forms.BooleanField()


def _date(field: Field) -> forms.Field:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(widget=widget, input_formats=["%Y-%m-%d"])


MAKERS: dict[str, Callable[[Field], forms.Field]] = {
    Kind.TEXT: _line,
    Kind.LONG_TEXT: _long_text,
    Kind.NUMBER: _number,
    Kind.CHOICE: _choice,
    Kind.TICK: _tick,
    Kind.DATE: _date,
}


class JoinForm(forms.Form):
    """Name, mailbox, what the campaign asks of this side, and its consent."""

    name = Text(
        label=_("Your name"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = Email(
        label=_("Your e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def __init__(
        self,
        data: Any = None,
        *,
        campaign: Campaign,
        page: JoinPage,
        side: Side,
    ) -> None:
        super().__init__(data, label_suffix="")
        self.asked = [field for field in fields_of(campaign) if field.is_for(side)]
        for asked in self.asked:
            field = MAKERS[asked.kind](asked)
            field.label, field.required = asked.label, asked.required
            field.widget.is_required = asked.required
            self.fields[PREFIX + asked.name] = field
        if page.consent:
            self.fields["consent"] = forms.BooleanField(
                error_messages={"required": _("Without your consent you cannot join.")}
            )

    def clean(self) -> dict[str, Any]:
        """The answers together have the limits that attributes have in the API."""
        if not self.errors:
            try:
                self.cleaned_data["attributes"] = JsonObjectField().run_validation(
                    self._attributes()
                )
            except BadValue:
                self.add_error(None, _("That is more text than can be kept."))
        return self.cleaned_data

    def _attributes(self) -> dict[str, Any]:
        given = {
            asked.name: _plain(self.cleaned_data[PREFIX + asked.name])
            for asked in self.asked
        }
        return {name: value for name, value in given.items() if value not in {None, ""}}

    # --- For the template ---

    def questions(self) -> list[forms.BoundField]:
        """What people are asked, in order."""
        return [
            self["name"],
            self["email"],
            *(self[PREFIX + asked.name] for asked in self.asked),
        ]


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
