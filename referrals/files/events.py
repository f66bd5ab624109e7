"""Files of events: their columns, and whom each row speaks of."""

import re
from collections.abc import Mapping
from typing import Any

from referrals.event_rows import read_event
from referrals.files.columns import Columns, Mapped, as_moment
from referrals.files.people import SPELLINGS as OF_PEOPLE
from referrals.files.readings import Described, names_in
from referrals.rows import Fault
from referrals.services.events import Report

# The fields of an event.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "event_id": (
        "eventid",
        "orderid",
        "ordernumber",
        "orderno",
        "transactionid",
        "paymentid",
        "chargeid",
        "invoiceid",
        "invoicenumber",
        "bestellnummer",
        "reference",
        "id",
    ),
    "name": ("eventname", "eventtype", "event", "name", "type", "action"),
    "participant.id": ("participantid", "participant"),
    "participant.external_id": OF_PEOPLE["external_id"][:-1],  # "id" is the event's
    "participant.email": OF_PEOPLE["email"],
    "participant.code": ("participantcode", "code"),
    "occurred_at": (
        "occurredat",
        "eventtime",
        "eventdate",
        "orderdate",
        "orderedat",
        "paidat",
        "createdat",
        "created",
        "timestamp",
        "datetime",
        "date",
        "time",
        "datum",
    ),
    "amount": (
        "amount",
        "total",
        "ordertotal",
        "grandtotal",
        "totalprice",
        "subtotal",
        "revenue",
        "value",
        "sum",
        "price",
        "betrag",
    ),
    "currency": ("currency", "currencycode", "waehrung", "währung"),
    "reverses": ("reverses", "refundof", "originalorderid", "originaleventid"),
}
NAMES = ("id", "external_id", "email", "code")  # of the person, the surest first
DECIMAL_COMMA = re.compile(r"\d+,\d{1,2}", re.ASCII)


def name_once(given: dict[str, Any]) -> None:
    """A row may have several names of one person: the surest is who is meant."""
    names = given.get("participant", {})
    if surest := next((name for name in NAMES if name in names), None):
        given["participant"] = {surest: names[surest]}


def as_amount(text: str) -> str:
    """A comma before one or two last digits can only be the decimal one."""
    return text.replace(",", ".") if DECIMAL_COMMA.fullmatch(text) else text


def is_usable(mapping: Mapped) -> bool:
    fields = set(mapping.values())
    return "event_id" in fields and any(f"participant.{n}" in fields for n in NAMES)


class Events:
    """Rows that each describe an event, as `POST /events` would be told."""

    columns = Columns(
        spellings=SPELLINGS,
        open_group="properties.",
        is_usable=is_usable,
        unusable="A file of events needs a column for event_id, and one that says "
        "whose they are (participant.external_id or participant.email). Say which "
        "column is which in `mapping`.",
        groups=("participant.", "properties."),
        reads={"occurred_at": as_moment, "amount": as_amount},
        settle=name_once,
    )

    def __init__(self, *, name: str, currency: str) -> None:
        self.name, self.currency = name, currency

    def read(self, given: Mapping[str, Any]) -> Described | list[Fault]:
        """Without a name it has the milestone's; an amount the campaign's currency."""
        whole = {"name": self.name, **given}
        if "amount" in given:
            whole.setdefault("currency", self.currency)
        else:
            whole.pop("currency", None)
        return read_event(whole)

    def names(self, read: Described, mapping: Mapped) -> dict[str, str]:
        """The person, as far as they are named by a name of their own."""
        if not isinstance(read, Report):
            return {}
        ((kind, value),) = read.participant.items()
        named = kind in {"external_id", "email"}
        return dict.fromkeys(names_in(value), "") if named else {}
