"""When two addresses are one mailbox: certainly, perhaps, or not. Pure functions.

Only what a provider documents is certain (dots and plus at Gmail, plus at the others
named here). A plus anywhere else may or may not be an alias: `alike`, never the same.
"""

import re
import unicodedata
from functools import lru_cache

import idna
from email_validator import EmailNotValidError, validate_email
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES, DOT_ATOM_TEXT

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
# A local part in ASCII that the library would keep as it is.
USUAL_LOCAL = re.compile(DOT_ATOM_TEXT.pattern)
LONGEST_LOCAL = 64
LONGEST_USUAL = 200  # well below where lengths are worth a look


def clean(address: str, pointer: str = "/email") -> str:
    """The address in normal form; InvalidInput where no mail could be sent to it."""
    text = unicodedata.normalize("NFKC", address.strip())
    try:
        return _clean_usual(text) or _normalized(text)
    except EmailNotValidError as error:
        raise InvalidInput(pointer, str(error)) from error


def _clean_usual(text: str) -> str | None:
    """What the library says of an address, without asking it twice of one domain.

    None for all that is not plain: it judges those itself.
    """
    local, _, domain = text.rpartition("@")
    is_usual = (
        text.isascii()
        and len(text) <= LONGEST_USUAL
        and len(local) <= LONGEST_LOCAL
        and local.lower() not in CASE_INSENSITIVE_MAILBOX_NAMES
        and USUAL_LOCAL.fullmatch(local)
    )
    return f"{local}@{_clean_domain(domain)}" if is_usual else None


@lru_cache(maxsize=10_000)
def _clean_domain(domain: str) -> str:
    return _normalized(f"a@{domain}").removeprefix("a@")


def _normalized(text: str) -> str:
    return validate_email(text, check_deliverability=False).normalized


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
    return local.strip('"'), _one_domain(domain)


@lru_cache(maxsize=10_000)
def _one_domain(domain: str) -> str:
    # IDNA 2008: the older one takes faß.example for fass.example.
    domain = idna.encode(domain.rstrip("."), uts46=True).decode("ascii")
    return SAME_DOMAIN.get(domain, domain)


def _skeleton(address: str) -> tuple[str, str]:
    local, domain = _split(address)
    stem = local.partition("+")[0].replace(".", "").replace("_", "").replace("-", "")
    return stem.rstrip("0123456789") or stem, domain
