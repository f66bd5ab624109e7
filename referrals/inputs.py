"""What clients may send, read strictly: unknown fields and wrong types are refused."""

from decimal import Decimal
from typing import Any

from django.core.validators import URLValidator
from rest_framework import serializers

from referral_factory import money
from referral_factory.expressions import LONGEST
from referral_factory.wire import (
    ChoiceField,
    CurrencyField,
    IdField,
    JsonObjectField,
    MomentField,
    MoneyField,
    StrictSerializer,
    TextField,
)
from referrals.attribution import Claim
from referrals.join_page import MAX_CHOICES, MAX_FIELDS, Kind, Side
from referrals.models import Campaign, Referral
from referrals.services.inviting import MAX_AT_ONCE

MAX_DAYS = 3650
SLUG = r"\A[a-z0-9]+(-[a-z0-9]+)*\Z"
MAX_COUNT = 1_000_000
MILESTONE = {
    "event_name": "milestone_event",
    "minimum_amount": "milestone_minimum",
    "condition": "milestone_condition",
    "count": "milestone_count",
    "sum": "milestone_sum",
    "within_days": "milestone_within_days",
}
EXACTLY_ONE = {"minProperties": 1, "maxProperties": 1}


class Days(serializers.IntegerField):
    """A whole number of days, up to ten years; neither text nor true and false."""

    def __init__(self, *, least: int = 0, **kwargs: Any) -> None:
        super().__init__(min_value=least, max_value=MAX_DAYS, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class Tick(serializers.BooleanField):
    """True or false, and nothing that looks like it."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Count(serializers.IntegerField):
    """A whole number from one up; neither text nor true and false."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_COUNT, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class MilestoneInput(StrictSerializer):
    """What makes a referral count; see docs/milestones.md."""

    event_name = TextField(100)
    minimum_amount = MoneyField(allow_null=True, required=False)
    # An expression that has to be true of the event. Empty: none is asked for.
    condition = TextField(LONGEST, multiline=True, required=False, allow_blank=True)
    count = Count(allow_null=True, required=False)
    sum = MoneyField(positive=True, allow_null=True, required=False)
    within_days = Days(least=1, required=False)


class ReviewInput(StrictSerializer):
    amount_limit = MoneyField(required=False, allow_null=True)
    two_people_above = MoneyField(required=False, allow_null=True)


class JoinFieldInput(StrictSerializer):
    """One thing that the enrolment page asks; the answer becomes an attribute."""

    name = serializers.RegexField(r"\A[a-z][a-z0-9_]*\Z", max_length=40)
    label = TextField(200)  # type: ignore[assignment]
    kind = ChoiceField(Kind.choices, default=Kind.TEXT.value)
    required = Tick(default=False)  # type: ignore[assignment]
    choices = serializers.ListField(
        child=TextField(200), required=False, max_length=MAX_CHOICES
    )

    def get_fields(self) -> dict[str, Any]:
        """`for` is a word of Python's own."""
        side = ChoiceField(Side.choices, default=Side.BOTH.value)
        return {**super().get_fields(), "for": side}

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Described as a whole also by a PATCH, which else would need no name."""
        if getattr(self, "parent", None) is None:
            return super().run_validation(data)
        return JoinFieldInput().run_validation(data)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        choices = given.setdefault("choices", [])
        if (given["kind"] == Kind.CHOICE) != bool(choices):
            detail = "A field of the kind choice has choices, and no other has any."
            raise serializers.ValidationError({"choices": detail}, code="required")
        if len(set(choices)) != len(choices):
            detail = "Each choice once."
            raise serializers.ValidationError({"choices": detail}, code="repeated")
        return given


class JoinInput(StrictSerializer):
    """The enrolment page. What is left out stays as it is."""

    open = Tick(required=False)
    confirm_email = Tick(required=False)
    show_advocate = Tick(required=False)
    heading = TextField(200, required=False, allow_blank=True)
    text = TextField(5000, multiline=True, required=False, allow_blank=True)
    consent = TextField(5000, multiline=True, required=False, allow_blank=True)
    share_text = TextField(500, multiline=True, required=False, allow_blank=True)

    def validate_share_text(self, text: str) -> str:
        if text and "{link}" not in text:
            raise serializers.ValidationError(
                "Say where the link goes: {link}.", code="no_link"
            )
        return text


class CampaignInput(StrictSerializer):
    name = TextField(200)
    slug = serializers.RegexField(SLUG, max_length=80)
    mode = ChoiceField(Campaign.Mode.choices, required=False)
    owner = TextField(254, required=False, allow_blank=True)
    currency = CurrencyField()
    landing_url = TextField(
        2000,
        required=False,
        allow_blank=True,
        validators=[URLValidator(schemes=["http", "https"])],
    )
    milestone = MilestoneInput(required=False)
    holding_days = Days(required=False)
    attribution_days = Days(least=1, required=False)
    match_days = Days(required=False)
    reversal_events = serializers.ListField(
        child=TextField(100), required=False, max_length=20
    )
    reversal_policy = ChoiceField(Campaign.ReversalPolicy.choices, required=False)
    review = ReviewInput(required=False, allow_null=True)
    fields = serializers.ListField(  # type: ignore[assignment]
        child=JoinFieldInput(), required=False, max_length=MAX_FIELDS
    )
    join = JoinInput(required=False)

    def validate_fields(self, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
        names = [field["name"] for field in asked]
        if len(set(names)) != len(names):
            raise serializers.ValidationError("Each name once.", code="repeated")
        return asked

    def validate_mode(self, mode: str) -> str:
        expected = self.context["mode"]
        if mode != expected:
            raise serializers.ValidationError(
                f"This key makes {expected} campaigns only.", code="wrong_mode"
            )
        return mode

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """The columns of a campaign."""
        values: dict[str, Any] = super().to_internal_value(data)
        milestone = values.pop("milestone", {})
        values |= {MILESTONE[name]: value for name, value in milestone.items()}
        if values.get("review") is not None:
            values["review"] = _as_text(values["review"])
        return values


class CopyInput(StrictSerializer):
    """What is different about the copy; a live one unless `mode` says otherwise."""

    name = TextField(200, required=False)
    slug = serializers.RegexField(SLUG, max_length=80, required=False)
    mode = ChoiceField(Campaign.Mode.choices, required=False)


class ClockInput(StrictSerializer):
    now = MomentField()


class ReasonInput(StrictSerializer):
    reason = TextField(500, multiline=True)


class ClaimInput(StrictSerializer):
    """Who referred somebody: at least one of these. Gives claims, one for each.

    Several are tried in the order that they are listed here.
    """

    documented = {"minProperties": 1}

    participant = TextField(200, required=False)
    external_id = TextField(200, required=False)
    email = TextField(254, required=False)
    click = TextField(200, required=False)
    code = TextField(40, required=False)
    # The value of the cookie `rf_click`, where your page can read it.
    cookie = TextField(500, required=False)

    def validate(self, given: dict[str, str]) -> Any:
        if not given:
            raise serializers.ValidationError(
                f"Give at least one of: {', '.join(self.fields)}.", code="required"
            )
        return tuple(Claim(Referral.Way(way), value) for way, value in given.items())


class PersonInput(StrictSerializer):
    """Somebody as your backend knows them."""

    external_id = TextField(200, required=False)
    email = TextField(254, required=False)
    name = TextField(200, required=False, allow_blank=True)
    attributes = JsonObjectField(required=False)
    address = serializers.IPAddressField(required=False, allow_null=True)
    user_agent = TextField(500, required=False, allow_blank=True)
    customer_since = MomentField(required=False, allow_null=True)


class NamedPersonInput(PersonInput):
    documented = {"anyOf": [{"required": ["external_id"]}, {"required": ["email"]}]}

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if not given.get("external_id") and not given.get("email"):
            raise serializers.ValidationError(
                {"external_id": "Give an external_id, an email, or both."},
                code="required",
            )
        return given


class PersonRow(NamedPersonInput):
    referred_by = ClaimInput(required=False)


class ParticipantInput(PersonRow):
    campaign = IdField("cmp")


class BulkRowInput(PersonRow):
    """One of many. The campaign may be named once, as a query parameter, instead."""

    campaign = IdField("cmp", required=False)


class ReferralInput(StrictSerializer):
    campaign = IdField("cmp")
    referred_by = ClaimInput()
    friend = NamedPersonInput()


class InvitationsInput(StrictSerializer):
    # Each is judged by itself, so that one that is no address spoils no other.
    emails = serializers.ListField(
        child=TextField(1000), allow_empty=False, max_length=MAX_AT_ONCE
    )


class NameInput(StrictSerializer):
    """Whom an event is about: exactly one of these."""

    documented = EXACTLY_ONE

    id = TextField(200, required=False)
    external_id = TextField(200, required=False)
    email = TextField(254, required=False)
    code = TextField(40, required=False)

    def validate(self, given: dict[str, str]) -> dict[str, str]:
        return _exactly_one(given, self.fields)


class EventRow(StrictSerializer):
    """What somebody did. Of an amount that is null, nothing is kept."""

    event_id = TextField(200)
    name = TextField(100)
    participant = NameInput(
        error_messages={
            "required": "Say whom it is about: id, external_id, email or code."
        }
    )
    occurred_at = MomentField(required=False)
    amount = MoneyField(required=False, allow_null=True)
    currency = CurrencyField(required=False)
    properties = JsonObjectField(required=False)
    reverses = TextField(200, required=False)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if given.get("amount") is None:
            given.pop("amount", None)
            given.pop("currency", None)
        else:
            refuse_unless_payable(given["amount"], given.get("currency"))
        return given


class EventInput(EventRow):
    """The campaign may be left out where the person is in one campaign only; in a bulk
    call, where the query names that of all rows."""

    campaign = IdField("cmp", required=False)


def refuse_unless_payable(amount: Decimal, currency: str | None) -> None:
    """An amount needs its currency, and no more places than that has."""
    if currency is None:
        raise serializers.ValidationError(
            {"currency": "An amount needs its currency."}, code="required"
        )
    if amount != round(amount, money.places(currency)):
        raise serializers.ValidationError(
            {"amount": f"{currency} has {money.places(currency)} decimal places."},
            code="too_many_places",
        )


def _exactly_one(given: dict[str, str], fields: Any) -> dict[str, str]:
    if len(given) != 1:
        raise serializers.ValidationError(
            f"Give exactly one of: {', '.join(fields)}.", code="exactly_one"
        )
    return given


def _as_text(review: dict[str, Decimal | None]) -> dict[str, str]:
    return {name: str(limit) for name, limit in review.items() if limit is not None}
