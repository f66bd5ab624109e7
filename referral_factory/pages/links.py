"""The public side of a link: one click, and on to the landing page.

Links are the busiest route, and need little of what Django does for a page. So they are
answered before it is asked (`before_django`, see wsgi.py), or else before any other
middleware (`links_first`), both by `_follow`. A link that leads nowhere is a page.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.http.cookie import parse_cookie
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from referral_factory.access.addresses import address_in
from referral_factory.access.limits import count_address
from referral_factory.ids import to_public
from referral_factory.pages.visitors import for_visitors, notice, too_many
from referrals.cookies import COOKIE, add_click, read_cookie
from referrals.landing import (
    Query,
    allowed_pages,
    brought,
    landing_page,
    may_lead_to,
    printable,
)
from referrals.models import Click
from referrals.services.clicks import Followed, Visit, counts_still, follow_link
from referrals.services.codes import campaign_of_erased
from referrals.visits import is_visit

Environ = dict[str, Any]
Handler = Callable[[HttpRequest], HttpResponseBase]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

PREFIX = "/r/"
CODE = re.compile(r"[0-9A-Za-z_.-]{1,40}")
METHODS = frozenset({"GET", "HEAD"})
DEAD_END = "referral_factory.dead_end"  # in the environment of a request
RETRY_AFTER = 5  # seconds, when the database is away for a moment
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Redirect:
    """To an address of the campaign's or of the settings', fit for a header."""

    address: str
    cookie: str = ""  # as Set-Cookie has it

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [
            ("Location", self.address),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("Content-Length", "0"),
        ]


@dataclass(frozen=True, slots=True)
class DeadEnd:
    """A link that leads nowhere just now: why, as a status, and when to try again."""

    status: int
    retry_after: int = 0  # seconds; 0: it makes no difference


def before_django(application: Application) -> Application:
    """Answer links by WSGI alone, unless it takes a page."""

    def answer(environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        code = _code(environ["PATH_INFO"], environ["REQUEST_METHOD"])
        if code is None or not CODE.fullmatch(code):
            return application(environ, start)
        connection.close_if_unusable_or_obsolete()  # as Django does before a request
        found = _follow(environ, code)
        if isinstance(found, DeadEnd):
            return application({**environ, DEAD_END: found}, start)
        cookies = [("Set-Cookie", found.cookie)] if found.cookie else []
        start("302 Found", [*found.headers, *cookies])
        return [b""]

    return answer


def links_first(get_response: Handler) -> Handler:
    """Answer links before any other middleware is asked."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        code = _code(request.path_info, request.method or "")
        if code is None or DEAD_END in request.META:
            return get_response(request)
        found = _follow(request.META, code)
        if isinstance(found, Redirect):
            response = HttpResponse(status=302, headers=dict(found.headers))
            response.cookies.load(found.cookie)
            return response
        request.META[DEAD_END] = found
        return get_response(request)

    return middleware


def _code(path: str, method: str) -> str | None:
    """What stands in the place of a code, where this is the address of a link."""
    code = path[len(PREFIX) :]
    is_link = path.startswith(PREFIX) and method in METHODS and "/" not in code
    return code if is_link else None


@require_safe
@for_visitors
def dead_end(request: HttpRequest, code: str) -> HttpResponse:
    """What `links_first` found no address for."""
    found: DeadEnd = request.META[DEAD_END]
    if found.status == 429:
        return too_many(request, found.retry_after)
    response = notice(request, found.status, *_said(found))
    if found.retry_after:
        response.headers["Retry-After"] = str(found.retry_after)
    return response


def _said(found: DeadEnd) -> tuple[str, str]:
    if found.status == 503:
        return (
            _("This link does not work just now"),
            _("We are having trouble, and it will pass. Please try again in a minute."),
        )
    return (
        _("This link leads nowhere"),
        _("Perhaps a letter is missing. Ask whoever sent it to you for it again."),
    )


def _follow(environ: Mapping[str, Any], code: str) -> Redirect | DeadEnd:
    limit = settings.VISIT_LIMIT_PER_MINUTE
    try:
        standing = count_address(address_in(environ), "link", limit=limit, exact=False)
        if not standing.allowed:
            return DeadEnd(429, standing.resets_in)
        found = _look_up(environ, code) if CODE.fullmatch(code) else None
    except (OperationalError, InterfaceError):
        return _fall_back(DeadEnd(503, RETRY_AFTER))
    return found or _fall_back(DeadEnd(404))


def _fall_back(found: DeadEnd) -> Redirect | DeadEnd:
    if settings.FALLBACK_URL:
        return Redirect(iri_to_uri(settings.FALLBACK_URL) or "")
    return found


def _look_up(environ: Mapping[str, Any], code: str) -> Redirect | None:
    wall = timezone.now()
    given = brought(environ.get("QUERY_STRING", ""))
    clicked = is_visit(environ["REQUEST_METHOD"], environ)
    visit = _visit(environ, dict(given)) if clicked else None
    pages = allowed_pages(tuple(settings.LANDING_HOSTS))
    link = follow_link(code, visit, pages=pages, wall=wall)
    if link is None:
        return _erased(code, given)
    ours = [("ref", link.code)]
    if link.click_id is None:
        return Redirect(landing_page(link.landing_url, given, ours))
    ours.append(("rf_click", to_public(Click.PREFIX, link.click_id)))
    cookie = _cookie(environ, link, link.click_id, wall)
    return Redirect(landing_page(link.landing_url, given, ours), cookie)


def _erased(code: str, given: Query) -> Redirect | None:
    """Printed links outlive a person; their friends are welcome all the same."""
    campaign = campaign_of_erased(code)
    if campaign is None or not may_lead_to(
        campaign.landing_url, settings.LANDING_HOSTS
    ):
        return None
    return Redirect(landing_page(campaign.landing_url, given, []))


def _visit(environ: Mapping[str, Any], parameters: dict[str, str]) -> Visit:
    agent = printable(environ.get("HTTP_USER_AGENT", ""))
    return Visit(address_in(environ), agent, parameters)


def _cookie(
    environ: Mapping[str, Any], link: Followed, click_id: UUID, wall: datetime
) -> str:
    """The cookie to set: none where it has a click of this campaign that counts."""
    before = ""
    if sent := environ.get("HTTP_COOKIE"):
        before = parse_cookie(sent).get(COOKIE, "")
        first = read_cookie(before, link.campaign_id)
        if first and counts_still(first, link, wall=wall):
            return ""
    value = add_click(before, link.campaign_id, click_id)
    age = link.attribution_days * DAY
    https = (environ["wsgi.url_scheme"], settings.PUBLIC_URL[:5])
    secure = "; Secure" if "https" in https else ""
    return f"{COOKIE}={value}; Max-Age={age}; Path=/; HttpOnly; SameSite=Lax{secure}"
