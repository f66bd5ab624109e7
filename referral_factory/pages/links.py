"""The public side of a link: one click, and on to the landing page.

Links are the busiest route, and need nothing of what the middleware does for pages, so
`links_first` stands before all of it. A link that leads nowhere is a page like others.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from referral_factory.access.addresses import client_address
from referral_factory.access.limits import count_visit
from referral_factory.ids import to_public
from referral_factory.pages.visitors import for_visitors, notice
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

Handler = Callable[[HttpRequest], HttpResponseBase]

PREFIX = "/r/"
CODE = re.compile(r"[0-9A-Za-z_.-]{1,40}")
RETRY_AFTER = 5  # seconds, when the database is away for a moment
DAY = 86_400


@dataclass(frozen=True)
class DeadEnd:
    """A link that leads nowhere just now: why, as a status, and when to try again."""

    status: int
    retry_after: int | None = None


def links_first(get_response: Handler) -> Handler:
    """Answer links before any other middleware is asked."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if not path.startswith(PREFIX) or request.method not in {"GET", "HEAD"}:
            return get_response(request)
        code = path[len(PREFIX) :]
        if "/" in code:
            return get_response(request)
        found = _follow(request, code)
        if isinstance(found, HttpResponse):
            return found
        request.META[DeadEnd.__name__] = found
        return get_response(request)

    return middleware


@require_safe
@for_visitors
def dead_end(request: HttpRequest, code: str) -> HttpResponse:
    """What `links_first` found no address for."""
    found: DeadEnd = request.META[DeadEnd.__name__]
    response = notice(request, found.status, *_said(found))
    if found.retry_after:
        response.headers["Retry-After"] = str(found.retry_after)
    return response


def _said(found: DeadEnd) -> tuple[str, str]:
    if found.status == 429:
        return (
            _("Too many visits"),
            _("Your network has asked for this page too often. Try again in a minute."),
        )
    if found.status == 503:
        return (
            _("This link does not work just now"),
            _("We are having trouble, and it will pass. Please try again in a minute."),
        )
    return (
        _("This link leads nowhere"),
        _("Perhaps a letter is missing. Ask whoever sent it to you for it again."),
    )


def _follow(request: HttpRequest, code: str) -> HttpResponse | DeadEnd:
    limit = settings.VISIT_LIMIT_PER_MINUTE
    standing = count_visit(request, "link", limit=limit, exact=False)
    if not standing.allowed:
        return DeadEnd(429, standing.resets_in)
    try:
        found = _look_up(request, code) if CODE.fullmatch(code) else None
    except (OperationalError, InterfaceError):
        return _fall_back(DeadEnd(503, RETRY_AFTER))
    return found or _fall_back(DeadEnd(404))


def _fall_back(found: DeadEnd) -> HttpResponse | DeadEnd:
    return (
        _redirect(iri_to_uri(settings.FALLBACK_URL)) if settings.FALLBACK_URL else found
    )


def _look_up(request: HttpRequest, code: str) -> HttpResponse | None:
    wall = timezone.now()
    given = brought(request.META.get("QUERY_STRING", ""))
    clicked = is_visit(request.method or "", request.META)
    visit = _visit(request, dict(given)) if clicked else None
    pages = allowed_pages(tuple(settings.LANDING_HOSTS))
    link = follow_link(code, visit, pages=pages, wall=wall)
    if link is None:
        return _erased(code, given)
    if not link.active:  # their friends are welcome, and nobody's credit
        return _redirect(landing_page(link.landing_url, given, []))
    ours = [("ref", link.code)]
    if link.click_id is None:
        return _redirect(landing_page(link.landing_url, given, ours))
    ours.append(("rf_click", to_public(Click.PREFIX, link.click_id)))
    response = _redirect(landing_page(link.landing_url, given, ours))
    _remember(request, response, link, link.click_id, wall)
    return response


def _erased(code: str, given: Query) -> HttpResponse | None:
    """Printed links outlive a person; their friends are welcome all the same."""
    campaign = campaign_of_erased(code)
    if campaign is None or not may_lead_to(
        campaign.landing_url, settings.LANDING_HOSTS
    ):
        return None
    return _redirect(landing_page(campaign.landing_url, given, []))


def _visit(request: HttpRequest, parameters: dict[str, str]) -> Visit:
    agent = printable(request.META.get("HTTP_USER_AGENT", ""))
    return Visit(client_address(request), agent, parameters)


def _redirect(address: str) -> HttpResponse:
    """To an address of the campaign's or of the settings', fit for a header."""
    headers = {
        "Location": address,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    return HttpResponse(status=302, headers=headers)


def _remember(
    request: HttpRequest,
    response: HttpResponse,
    link: Followed,
    click_id: UUID,
    wall: datetime,
) -> None:
    """Leave the cookie, unless it has a click of this campaign that counts still."""
    cookie = request.COOKIES.get(COOKIE, "") if "HTTP_COOKIE" in request.META else ""
    first = read_cookie(cookie, link.campaign_id)
    if first and counts_still(first, link.campaign_id, wall=wall):
        return
    response.set_cookie(
        COOKIE,
        add_click(cookie, link.campaign_id, click_id),
        max_age=link.attribution_days * DAY,
        secure=request.is_secure() or settings.PUBLIC_URL.startswith("https://"),
        httponly=True,
        samesite="Lax",
    )
