"""When two addresses are one mailbox: certainly, perhaps, or not. Pure functions.

Only what a provider documents is certain (dots and plus at Gmail, plus at the others
named here). A plus anywhere else may or may not be an alias: `alike`, never the same.
"""

import unicodedata

import idna
from email_validator import EmailNotValidError, validate_email

from referral_factory.errors import InvalidInput

SAME_DOMAIN = {"googlemail.com": "gmail.com", "pm.me": "proton.me"}
DOTS_DO_NOT_COUNT = frozenset({"gmail.com"})
PLUS_IS_AN_ALIAS = frozenset(
    {
        "gmail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "icloud.com",
        "me.com",
        "proton.me",
        "protonmail.com",
        "fastmail.com",
    }
)


def clean(address: str, pointer: str = "/email") -> str:
    """The address in normal form; InvalidInput where no mail could be sent to it."""
    try:
        found = validate_email(
            unicodedata.normalize("NFKC", address.strip()), check_deliverability=False
        )
    except EmailNotValidError as error:
        raise InvalidInput(pointer, str(error)) from error
    return found.normalized


def canonical(address: str) -> str:
    """One spelling for each mailbox: equal only where it is certainly the same one."""
    local, domain = _split(address)
    if domain in PLUS_IS_AN_ALIAS:
        local = local.partition("+")[0]
    if domain in DOTS_DO_NOT_COUNT:
        local = local.replace(".", "")
    return f"{local}@{domain}"


def alike(one: str, other: str) -> bool:
    """Whether two mailboxes look like one person's: tags, dots and digits aside."""
    return canonical(one) != canonical(other) and _skeleton(one) == _skeleton(other)


def _split(address: str) -> tuple[str, str]:
    folded = unicodedata.normalize("NFKC", address).strip().lower()
    local, _, domain = folded.rpartition("@")
    # IDNA 2008: the older one takes faß.example for fass.example.
    domain = idna.encode(domain.rstrip("."), uts46=True).decode("ascii")
    return local.strip('"'), SAME_DOMAIN.get(domain, domain)


def _skeleton(address: str) -> tuple[str, str]:
    local, domain = _split(address)
    stem = local.partition("+")[0].replace(".", "").replace("_", "").replace("-", "")
    return stem.rstrip("0123456789") or stem, domain
