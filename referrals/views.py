"""The public side of a link: one click, and on to the landing page."""

from io import BytesIO
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import segno
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from referral_factory.access.addresses import client_address
from referral_factory.access.limits import Standing, count_visit
from referrals.models import Campaign, Click, Participant
from referrals.services.clicks import record_click

COOKIE = "rf_click"
MAX_PARAMETERS = 50
MAX_QUERY = 2000  # characters of the visitor's own query that travel on

# What fetches links without anybody having clicked: it is sent on, and not counted.
ROBOTS = (
    "bot",
    "crawl",
    "spider",
    "preview",
    "facebookexternalhit",
    "whatsapp",
    "slurp",
    "embedly",
    "headlesschrome",
    "curl/",
    "python-requests",
)


@require_safe
def follow_link(request: HttpRequest, code: str) -> HttpResponse:
    """Record the click and redirect to the campaign's landing page."""
    standing = count_visit(request, "link", limit=settings.VISIT_LIMIT_PER_MINUTE)
    if not standing.allowed:
        return _too_many(standing)
    advocate = (
        Participant.objects.select_related("campaign").filter(code=code.upper()).first()
    )
    if advocate is None or not _leads_somewhere(advocate.campaign):
        return _nowhere(request)
    if advocate.status != Participant.Status.ACTIVE:
        return HttpResponseRedirect(advocate.campaign.landing_url)
    click = _record(request, advocate) if _is_a_visit(request) else None
    response = HttpResponseRedirect(_landing_page(request, advocate, click))
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    if click:
        _remember(request, response, advocate, click)
    return response


@require_safe
def qr_code(request: HttpRequest, code: str) -> HttpResponse:
    """The link as a QR code, to print or show."""
    advocate = Participant.objects.filter(code=code.upper()).first()
    if advocate is None:
        return _nowhere(request)
    picture = BytesIO()
    segno.make(advocate.link, error="m").save(picture, kind="svg", scale=8)
    return HttpResponse(picture.getvalue(), content_type="image/svg+xml")


def _too_many(standing: Standing) -> HttpResponse:
    """Nobody clicks this often: somebody guesses codes, or inflates clicks."""
    headers = {"Retry-After": str(standing.resets_in)}
    text = "Too many visits from your network. Try again in a minute."
    return HttpResponse(text, status=429, content_type="text/plain", headers=headers)


def _leads_somewhere(campaign: Campaign) -> bool:
    return campaign.status != Campaign.Status.DRAFT and bool(campaign.landing_url)


def _is_a_visit(request: HttpRequest) -> bool:
    purpose = request.headers.get("Sec-Purpose") or request.headers.get("Purpose", "")
    agent = request.headers.get("User-Agent", "").lower()
    return (
        request.method == "GET"
        and "prefetch" not in purpose
        and not any(robot in agent for robot in ROBOTS)
    )


def _record(request: HttpRequest, advocate: Participant) -> Click:
    return record_click(
        advocate,
        address=client_address(request),
        user_agent=_printable(request.headers.get("User-Agent", "")),
        parameters=dict(_parameters(request)),
        wall=timezone.now(),
    )


def _landing_page(
    request: HttpRequest, advocate: Participant, click: Click | None
) -> str:
    """The campaign's own page: only its query grows, so there is no open redirect."""
    page = urlsplit(advocate.campaign.landing_url)
    ours = [("ref", advocate.code)] + ([("rf_click", click.public_id)] if click else [])
    own = parse_qsl(page.query, keep_blank_values=True)
    query = [*_not_ours(own), *_parameters(request), *ours]
    return urlunsplit(page._replace(query=urlencode(query)))


def _parameters(request: HttpRequest) -> list[tuple[str, str]]:
    """What the visitor's address carried (utm_...), but for the names that are ours."""
    query = request.META.get("QUERY_STRING", "")
    if len(query) > MAX_QUERY:
        return []
    # Not request.GET, which refuses a thousand fields: a visitor gets there anyhow.
    given = parse_qsl(query, keep_blank_values=True)
    kept = [(_printable(k), _printable(v)) for k, v in given]
    return _not_ours(kept)[:MAX_PARAMETERS]


def _not_ours(query: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in query if name not in {"ref", "rf_click"}]


def _remember(
    request: HttpRequest, response: HttpResponse, advocate: Participant, click: Click
) -> None:
    response.set_cookie(
        COOKIE,
        signing.dumps(click.public_id, salt=COOKIE),
        max_age=advocate.campaign.attribution_days * 86_400,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def _nowhere(request: HttpRequest) -> HttpResponse:
    if settings.FALLBACK_URL:
        return HttpResponseRedirect(settings.FALLBACK_URL)
    return render(request, "link_unknown.html", status=404)


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())
