"""What clients may send, read strictly: unknown fields and wrong types are refused."""

from typing import Any

from referral_factory.wire import (
    ChoiceField,
    CurrencyField,
    MoneyField,
    StrictSerializer,
    TextField,
)
from referrals.inputs import refuse_unless_payable
from rewards.models import Kind, Side


class RuleInput(StrictSerializer):
    side = ChoiceField(Side.choices)
    kind = ChoiceField(Kind.choices, required=False)
    amount = MoneyField(positive=True)
    currency = CurrencyField()

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        refuse_unless_payable(given["amount"], given["currency"])
        return given


class RuleChangeInput(StrictSerializer):
    amount = MoneyField(positive=True)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if "amount" in given:
            refuse_unless_payable(given["amount"], self.context["currency"])
        return given


class NoteInput(StrictSerializer):
    note = TextField(500, multiline=True)


class OptionalNoteInput(StrictSerializer):
    note = TextField(500, multiline=True, required=False, allow_blank=True)


class IssueInput(StrictSerializer):
    reference = TextField(200)
