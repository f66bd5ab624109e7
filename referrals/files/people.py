"""Files of people: their columns, and whom each row speaks of."""

from collections.abc import Mapping
from typing import Any

from referrals.files.columns import Columns, Mapped, as_moment
from referrals.files.readings import Described, names_in
from referrals.rows import Fault, read_person
from referrals.services.participants import Person

SPELLINGS: dict[str, tuple[str, ...]] = {
    "external_id": (
        "externalid",
        "customerid",
        "userid",
        "clientid",
        "memberid",
        "accountid",
        "contactid",
        "customernumber",
        "customerno",
        "membernumber",
        "kundennummer",
        "uid",
        "id",
    ),
    "email": (
        "email",
        "emailaddress",
        "customeremail",
        "useremail",
        "contactemail",
        "primaryemail",
        "workemail",
        "emailadresse",
        "mailaddress",
        "mail",
    ),
    "name": ("name", "fullname", "customername", "contactname", "displayname"),
    "first_name": ("firstname", "givenname", "forename", "vorname"),
    "last_name": ("lastname", "surname", "familyname", "nachname"),
    "customer_since": ("customersince", "clientsince", "customersincedate"),
    "referred_by.participant": ("referredbyparticipant", "referrerparticipant"),
    "referred_by.external_id": (
        "referredbyexternalid",
        "referredbycustomerid",
        "referredbyid",
        "referrerid",
        "advocateid",
    ),
    "referred_by.email": ("referredbyemail", "referreremail", "advocateemail"),
    "referred_by.code": (
        "referredbycode",
        "referralcode",
        "referrercode",
        "advocatecode",
        "refcode",
        "invitecode",
    ),
}
NAMES = ("external_id", "email")  # one of them is needed to tell people apart
HALVES = ("first_name", "last_name")  # of a name


def join_halves(given: dict[str, Any]) -> None:
    if names := [given.pop(half) for half in HALVES if half in given]:
        given.setdefault("name", " ".join(names))


class People:
    """Rows that each describe a person, as `POST /participants` would be told."""

    columns = Columns(
        spellings=SPELLINGS,
        open_group="attributes.",
        is_usable=lambda mapping: not set(NAMES).isdisjoint(mapping.values()),
        unusable="No column is an external_id or an email, and without one people "
        "cannot be told apart. Say which column is which in `mapping`.",
        groups=("attributes.", "referred_by."),
        reads={"customer_since": as_moment},
        settle=join_halves,
        stands_for={"name": HALVES},
    )

    def read(self, given: Mapping[str, Any]) -> Described | list[Fault]:
        return read_person(given)

    def names(self, read: Described, mapping: Mapped) -> dict[str, str]:
        """The person themselves, and who referred them."""
        names: dict[str, str] = {}
        if not isinstance(read, Person):
            return names
        for claim in read.claims:
            if claim.way in NAMES:
                column = self.columns.column_of(f"/referred_by/{claim.way}", mapping)
                names |= dict.fromkeys(names_in(claim.value), column)
        return names | dict.fromkeys(read.names, "")
