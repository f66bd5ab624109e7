"""What the columns of a file mean: guessed from their names, or said by people."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from referral_factory.spreadsheets import plain
from referrals.files.faults import BadFile

ATTRIBUTE = "attributes."
CLAIM = "referred_by."

# The fields of a participant, each with the names that columns for it go by, letters
# and digits only. Where several columns fit, the spelling that stands first wins.
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
LONGEST_ATTRIBUTE = 100

Mapped = Mapping[str, str]  # column of the file -> field of a participant


def guessed(header: Sequence[str]) -> dict[str, str]:
    """What the columns seem to mean. Those that say nothing to us are left out."""
    plain = {column: re.sub(r"[\W_]", "", column.casefold()) for column in header}
    mapping = {column: column for column in header if is_attribute(column)}
    for field, spellings in SPELLINGS.items():
        fitting = [c for c in header if plain[c] in spellings and c not in mapping]
        if fitting:
            best = min(fitting, key=lambda c: spellings.index(plain[c]))
            mapping[best] = field
    if "name" in mapping.values():
        mapping = {c: f for c, f in mapping.items() if f not in HALVES}
    return mapping


def is_attribute(field: str) -> bool:
    key = field.removeprefix(ATTRIBUTE)
    return field.startswith(ATTRIBUTE) and 0 < len(key) <= LONGEST_ATTRIBUTE


def checked(mapping: Mapped, header: Sequence[str]) -> dict[str, str]:
    """A mapping that somebody gave; BadFile where it does not fit the file."""
    for column, field in mapping.items():
        if column not in header:
            there = ", ".join(header[:20])
            message = f"The file has no column {column[:100]!r}. It has: {there}."
            raise BadFile("missing_column", message[:500], "/mapping")
        if field not in SPELLINGS and not is_attribute(field):
            known = ", ".join([*SPELLINGS, "attributes.<key>"])
            message = f"There is no field {field[:100]!r}. There are: {known}."
            raise BadFile("unknown_field", message, "/mapping")
    fields = list(mapping.values())
    if twice := next((field for field in fields if fields.count(field) > 1), None):
        message = f"Two columns are mapped to {twice[:100]!r}."
        raise BadFile("mapped_twice", message, "/mapping")
    return dict(mapping)


def is_usable(mapping: Mapped) -> bool:
    return not set(NAMES).isdisjoint(mapping.values())


def refuse_unusable(mapping: Mapped) -> None:
    if not is_usable(mapping):
        raise BadFile(
            "no_usable_column",
            "No column is an external_id or an email, and without one people cannot "
            "be told apart. Say which column is which in `mapping`.",
            "/mapping",
        )


def described(
    values: Sequence[str], header: Sequence[str], mapping: Mapped
) -> dict[str, Any]:
    """A row as the API would be given it: empty cells are left out."""
    given: dict[str, Any] = {}
    for column, value in zip(header, values, strict=False):
        field, text = mapping.get(column), plain(value).strip()
        if field and text:
            _put(given, field, text)
    if names := [given.pop(half) for half in HALVES if half in given]:
        given.setdefault("name", " ".join(names))
    return given


def _put(given: dict[str, Any], field: str, text: str) -> None:
    for group in (ATTRIBUTE, CLAIM):
        if field.startswith(group):
            inner = given.setdefault(group.rstrip("."), {})
            inner[field.removeprefix(group)] = text
            return
    given[field] = as_moment(text) if field == "customer_since" else text


def as_moment(text: str) -> str:
    """Days and times without an offset, as spreadsheets write them, are in UTC."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return f"{text}T00:00:00Z"
    if re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?", text, re.ASCII):
        return f"{text[:10]}T{text[11:]}{'' if len(text) > 16 else ':00'}Z"
    return text


def column_of(pointer: str, mapping: Mapped) -> str:
    """The column that a pointer into a described row leads to; "" where none does."""
    field = pointer.strip("/").replace("/", ".").replace("~1", "/").replace("~0", "~")
    by_field = {field: column for column, field in mapping.items()}
    names = ("name", *HALVES) if field == "name" else (field,)
    return next((by_field[name] for name in names if name in by_field), "")
