"""What every page for the public has in common."""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from referral_factory.access.limits import Standing, count_visit
from referral_factory.errors import DomainError

View = Callable[..., HttpResponse]


def for_visitors(view: View) -> View:
    """Answer in the visitor's language, kept by nobody and found by no search engine.

    Not by LocaleMiddleware: the API's answers and the admin stay in English. A rule
    that says no (the campaign was paused a moment ago) is a page like the others.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
        language = translation.get_language_from_request(request)
        with translation.override(language):
            try:
                response = view(request, *args, **kwargs)
            except DomainError:
                response = not_now(request)
        response.headers.setdefault("Content-Language", language)
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        patch_vary_headers(response, ["Accept-Language"])
        return response

    return answer


def notice(
    request: HttpRequest, status: int, heading: str, text: str, **more: object
) -> HttpResponse:
    """A page that only says something, kindly."""
    said = {"heading": heading, "text": text, **more}
    return render(request, "public/notice.html", said, status=status)


def not_now(request: HttpRequest) -> HttpResponse:
    return notice(
        request,
        409,
        _("That did not work just now"),
        _("Something changed in the meantime. Please go back and try again."),
    )


def limit_visits(request: HttpRequest, page: str) -> Standing:
    return count_visit(request, page, limit=settings.VISIT_LIMIT_PER_MINUTE)


def too_many(request: HttpRequest, resets_in: int) -> HttpResponse:
    response = notice(
        request,
        429,
        _("Too many visits"),
        _("Your network has asked for this page too often. Try again in a minute."),
    )
    response.headers["Retry-After"] = str(resets_in)
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's own page tells visitors about settings."""
    return for_visitors(_no_cookie)(request)


def _no_cookie(request: HttpRequest) -> HttpResponse:
    return notice(
        request,
        403,
        _("Your browser kept something back"),
        _(
            "This form works only together with a cookie of this page, so that nobody "
            "else can send it in your name. Please allow it, load the page again, and "
            "send the form once more."
        ),
    )
