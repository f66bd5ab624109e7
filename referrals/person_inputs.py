"""What clients may send about one person who is enrolled already."""

from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from referral_factory.wire import (
    IdField,
    JsonObjectField,
    MomentField,
    StrictSerializer,
    TextField,
)
from referrals.mailboxes import clean
from referrals.services.codes import CHOSEN, CHOSEN_IN_WORDS, LONGEST, SHORTEST


class PersonPatch(StrictSerializer):
    """What is left out stays as it is; null takes a value away."""

    external_id = TextField(200, required=False, allow_null=True, allow_blank=True)
    email = TextField(254, required=False, allow_null=True, allow_blank=True)
    name = TextField(200, required=False, allow_null=True, allow_blank=True)
    attributes = JsonObjectField(required=False, allow_null=True)
    address = serializers.IPAddressField(required=False, allow_null=True)
    user_agent = TextField(500, required=False, allow_null=True, allow_blank=True)
    customer_since = MomentField(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """The columns of a participant: text where there is always some, or none."""
        values: dict[str, Any] = super().to_internal_value(data)
        for name in {"name", "user_agent"} & values.keys():
            values[name] = values[name] or ""
        for name in {"external_id", "email"} & values.keys():
            values[name] = values[name] or None
        if values.get("email"):
            values["email"] = clean(values["email"])
        return values


class CodeInput(StrictSerializer):
    """Nothing: a new random code. A code: the one that somebody chose."""

    code = TextField(
        LONGEST,
        min_length=SHORTEST,
        required=False,
        validators=[RegexValidator(CHOSEN, CHOSEN_IN_WORDS)],
    )
    keep_old = serializers.BooleanField(required=False, allow_null=True)


class MergeInput(StrictSerializer):
    participant = IdField("ptc")
