"""Where a link leads: the campaign's own page, and nowhere else. Pure functions."""

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.utils.encoding import iri_to_uri

Query = list[tuple[str, str]]

OURS = frozenset({"ref", "rf_click"})  # what we add, and nobody else may
MAX_PARAMETERS = 50
MAX_QUERY = 2000  # characters of the visitor's own query that travel on
# What a browser takes for the end of the host, or for a user's name before it.
IN_HOST = r"[^/?#\\@:\s]+"


@lru_cache
def allowed_pages(hosts: tuple[str, ...]) -> str:
    """A pattern that matches the start of pages on these hosts; on any, without hosts.

    Python and PostgreSQL read it alike; letters match in either case. `*.example.com`
    stands for every host below example.com. A host without a port has any port.
    """
    names = "|".join(_as_pattern(host) for host in hosts) or IN_HOST
    return rf"^https?://(?:{names})(?::[0-9]+)?(?:[/?#]|\Z)"


def _as_pattern(host: str) -> str:
    below = host.startswith("*.")
    name = re.escape(host.removeprefix("*.").lower())
    return rf"{IN_HOST}\.{name}" if below else name


def may_lead_to(page: str, hosts: Sequence[str]) -> bool:
    """Whether a campaign's landing page is on one of the hosts; any, if there are none.

    No page has spaces, control characters or a user's name in its address.
    """
    if re.search(r"[\x00-\x20\x7f\\]", page):
        return False
    return re.match(allowed_pages(tuple(hosts)), page, re.IGNORECASE) is not None


def landing_page(page: str, given: Query, ours: Query) -> str:
    """The page with what the visitor brought and what we add. Only its query grows."""
    before, own, after = _taken_apart(page)
    query = urlencode([*own, *given, *ours])
    return f"{before}?{query}{after}" if query else before + after


@lru_cache(maxsize=1000)
def _taken_apart(page: str) -> tuple[str, Query, str]:
    """What stands before the query, the query, and the fragment; fit for a header."""
    parts = urlsplit(iri_to_uri(page))
    own = parse_qsl(parts.query, keep_blank_values=True)
    before = urlunsplit(parts._replace(query="", fragment=""))
    after = f"#{parts.fragment}" if parts.fragment else ""
    return before, [pair for pair in own if pair[0] not in OURS], after


def brought(query: str) -> Query:
    """What the visitor's address carried (utm_...), but for the names that are ours.

    Not request.GET, which refuses a thousand fields: a visitor gets there anyhow.
    """
    if not query or len(query) > MAX_QUERY:
        return []
    given = parse_qsl(query, keep_blank_values=True)
    kept = [(printable(name), printable(value)) for name, value in given]
    return [pair for pair in kept if pair[0] not in OURS][:MAX_PARAMETERS]


def printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(character for character in text if character.isprintable())
