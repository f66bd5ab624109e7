"""The busiest writes, answered by WSGI alone where nothing about a call is unusual.

This here only ever says yes. Whatever is not plain, be it a header, a value or a limit
that is reached, is left to Django's view of the same path, which is given the call as
it came and says what is wrong with it. Nothing has happened by then.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.http.request import split_domain_port, validate_host
from django.utils import timezone
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from referral_factory.access import services
from referral_factory.access.groups import GroupedWrites
from referral_factory.access.idempotency import Call, known_by
from referral_factory.access.limits import COUNTED, Standing, count_key
from referral_factory.access.models import ApiKey
from referral_factory.api.events import REPORTS
from referral_factory.api.middleware import name_of_request
from referral_factory.bodies import MAX_BYTES, loads
from referral_factory.errors import DomainError
from referral_factory.wire import as_json
from referrals.api.participants import ENROLMENTS

log = logging.getLogger(__name__)

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

ANY_ANSWER = frozenset({"", "*/*", "application/json"})


class NotPlain(Exception):
    """The call is refused: Django's view says how."""


# What a caller is told of, rather than a fault of ours.
REFUSALS = (NotPlain, APIException, DomainError, DatabaseError)


@dataclass(frozen=True, slots=True)
class Route:
    path: str
    scope: str
    writes: GroupedWrites[Any]


ROUTES = {
    route.path: route
    for route in (
        Route("/api/v1/participants", "participants:write", ENROLMENTS),
        Route("/api/v1/events", "events:write", REPORTS),
    )
}


def before_django(application: Application) -> Application:
    """Answer the plain calls of these routes, and leave the others to `application`."""

    def answer(environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        route = ROUTES.get(environ["PATH_INFO"])
        if route is None or not _is_plain(environ):
            return application(environ, start)
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        try:
            response = _answer(route, environ, body)
            content = _content(response)
        except Exception as error:  # Django's view runs into it again, and says so
            if not isinstance(error, REFUSALS):
                log.exception("A plain call is left to Django.")
            environ["wsgi.input"] = BytesIO(body)
            return application(environ, start)
        status = HTTPStatus(response.status_code)
        start(f"{status.value} {status.phrase}", _headers(environ, response, content))
        return [content]

    return answer


def _is_plain(environ: Environ) -> bool:
    length = environ.get("CONTENT_LENGTH") or ""
    return (
        environ["REQUEST_METHOD"] == "POST"
        and not environ.get("QUERY_STRING")
        and environ.get("CONTENT_TYPE") == "application/json"
        and environ.get("HTTP_ACCEPT", "") in ANY_ANSWER
        and "HTTP_TRANSFER_ENCODING" not in environ
        and not environ.get("SCRIPT_NAME")
        and length.isdecimal()
        and int(length) <= MAX_BYTES
        and _is_ours(environ.get("HTTP_HOST", ""), tuple(settings.ALLOWED_HOSTS))
    )


@lru_cache(maxsize=100)
def _is_ours(host: str, allowed: tuple[str, ...]) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)


def _answer(route: Route, environ: Environ, body: bytes) -> HttpResponse:
    connection.close_if_unusable_or_obsolete()  # as Django does before a request
    key = _key(environ.get("HTTP_AUTHORIZATION", ""))
    if route.scope not in key.scopes:
        raise NotPlain
    given, call = loads(body), _call(environ, key, body)
    if not isinstance(given, dict):
        raise NotPlain
    standing = environ[COUNTED] = count_key(key)
    if not standing.allowed:
        raise NotPlain
    return route.writes.answer(key, given, call)


def _key(authorization: str) -> ApiKey:
    scheme, _, text = authorization.partition(" ")
    key = services.find_key(text.strip()) if scheme.lower() == "bearer" else None
    now = timezone.now()
    if key is None or not key.works(now):
        raise NotPlain
    services.note_use(key, now=now)
    return key


def _call(environ: Environ, key: ApiKey, body: bytes) -> Call | None:
    given = environ.get("HTTP_IDEMPOTENCY_KEY")
    if given is None:
        return None
    path = environ["PATH_INFO"]
    return known_by(
        given,
        key.pk,
        method=environ["REQUEST_METHOD"],
        path=path,
        url=path,
        body_hash=hashlib.sha256(body).hexdigest(),
    )


def _content(response: HttpResponse) -> bytes:
    if isinstance(response, Response):
        return as_json(response.data)
    return response.content  # of what was stored


def _headers(
    environ: Environ, response: HttpResponse, content: bytes
) -> list[tuple[str, str]]:
    standing: Standing = environ[COUNTED]
    headers = {
        **response.headers,
        **standing.headers,
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": name_of_request(environ.get("HTTP_X_REQUEST_ID", "")),
    }
    return list(headers.items())
