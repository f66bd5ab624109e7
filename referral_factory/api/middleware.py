"""What happens around every request, whoever answers it."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.deprecation import MiddlewareMixin

from referral_factory.api.problems import problem_response
from referral_factory.ids import new_id, to_public
from referral_factory.uploads import BESIDE_IT, max_bytes, too_large

Handler = Callable[[HttpRequest], HttpResponseBase]


class ForPeople(MiddlewareMixin):
    """People come with sessions and forms. Programs show a key with every call."""

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith("/api/v1/"):
            return self.get_response(request)
        return super().__call__(request)


class Sessions(ForPeople, SessionMiddleware):
    pass


class Forms(ForPeople, CsrfViewMiddleware):
    pass


class Logins(ForPeople, AuthenticationMiddleware):
    pass


class Messages(ForPeople, MessageMiddleware):
    pass


# The API's parsers know how much each route takes; sources keep a log of what is too
# large.
FILES_GO_TO = ("/api/", "/in/", "/admin/referrals/import/add/")
RELAXED_PATHS = ("/admin/", "/dashboard/")
SANE_ID = re.compile(r"[0-9A-Za-z._-]{1,100}")


def request_id(get_response: Handler) -> Handler:
    """Name each request, or keep the caller's name for it: X-Request-Id."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        chosen = name_of_request(request.META.get("HTTP_X_REQUEST_ID", ""))
        request.META["REQUEST_ID"] = chosen
        response = get_response(request)
        response.headers["X-Request-Id"] = chosen
        return response

    return middleware


def name_of_request(given: str) -> str:
    return given if SANE_ID.fullmatch(given) else to_public("req", new_id())


def refuse_bad_text(get_response: Handler) -> Handler:
    """Refuse a NUL in a path or a query, which no database takes.

    The API takes UTF-8 only. A link that somebody follows may carry anything else: its
    unreadable bytes become replacement characters.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        query = unquote_to_bytes(request.META.get("QUERY_STRING", ""))
        if "\x00" in request.path or b"\x00" in query:
            detail = "There is a NUL in the URL."
            return problem_response(request, 400, detail, code="bad_text")
        if request.path.startswith("/api/") and not _is_utf8(query):
            detail = "The query is not UTF-8."
            return problem_response(request, 400, detail, code="bad_text")
        return get_response(request)

    return middleware


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def relax_csp(get_response: Handler) -> Handler:
    """Let the admin's theme work: Alpine evaluates expressions, charts set styles.

    Inline scripts stay forbidden there, as everywhere.
    """
    relaxed = csp_update(
        {"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}
    )(get_response)

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(RELAXED_PATHS):
            return relaxed(request)
        return get_response(request)

    return middleware


def need_length(get_response: Handler) -> Handler:
    """Refuse a body of unknown length: WSGI would show it to us as an empty one."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        chunked = "Transfer-Encoding" in request.headers
        if chunked and not request.META.get("CONTENT_LENGTH"):
            detail = "Send a Content-Length."
            return problem_response(request, 411, detail, code="length_required")
        return get_response(request)

    return middleware


def refuse_too_large(get_response: Handler) -> Handler:
    """Refuse what is larger than anything that we take, before a byte of it is read.

    Django would keep a stranger's files on disk to look for a token in their form.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        takes_files = request.path_info.startswith(FILES_GO_TO)
        most = BESIDE_IT + (max_bytes() if takes_files else 0)
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) <= most:
            return get_response(request)
        if takes_files:
            return problem_response(request, 413, too_large(), code="file_too_large")
        detail = "No form here is as large."
        return problem_response(request, 413, detail, code="body_too_large")

    return middleware
