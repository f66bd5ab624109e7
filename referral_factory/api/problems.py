"""Every error is a problem document (RFC 9457): `application/problem+json`."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from django.core.exceptions import (
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.views import defaults
from drf_standardized_errors.formatter import ExceptionFormatter, flatten_errors
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework import exceptions
from rest_framework.response import Response

from referral_factory.access.parameters import InvalidParameter
from referral_factory.errors import DomainError, InvalidInput
from referral_factory.wire import flat_errors

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 2  # seconds, when the database is away for a moment
OUR_FAULT = (
    "Something went wrong on our side. Quote the request id to whoever runs this."
)
# Members of a document that the facts of a refusal must not replace.
RESERVED = {"type", "title", "status", "detail", "code", "errors", "request_id"}


class Refused(exceptions.APIException):
    """A rule of the domain said no."""

    status_code = 409

    def __init__(self, error: DomainError) -> None:
        super().__init__(str(error), code=error.code)
        self.facts = error.facts


class Unprocessable(exceptions.APIException):
    """A value that only the domain could judge is wrong."""

    status_code = 422

    def __init__(self, error: InvalidInput) -> None:
        super().__init__(str(error), code=error.code)
        detail = exceptions.ErrorDetail(str(error), error.code)
        self.errors = [(error.pointer, detail)]


class Unavailable(exceptions.APIException):
    status_code = 503
    default_code = "unavailable"
    default_detail = "The database is not available just now. Try again in a moment."
    wait = RETRY_AFTER


class TooLarge(exceptions.APIException):
    status_code = 413
    default_code = "body_too_large"
    default_detail = "The body is too large."


class ProblemHandler(ExceptionHandler):
    """What an exception means to a caller. What is not listed here is a bug: 500."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        match exc:
            case InvalidParameter():
                return exc
            case exceptions.ValidationError():
                exc.status_code = 422
                return exc
            case InvalidInput():
                return Unprocessable(exc)
            case DomainError():
                return Refused(exc)
        return self._convert_fault(exc)

    def _convert_fault(self, exc: Exception) -> Exception:
        match exc:
            case OperationalError() | InterfaceError():
                return Unavailable()
            case DataError():
                detail = "A value does not fit what it is stored in."
                return exceptions.ParseError(detail, code="invalid_value")
            case RequestDataTooBig() | TooManyFieldsSent() | TooManyFilesSent():
                return TooLarge()
            case UnreadablePostError():
                return exceptions.ParseError("The body broke off.", code="broken_body")
        return super().convert_known_exceptions(exc)

    def get_response(self, exc: exceptions.APIException, data: Any) -> Response:
        response = super().get_response(exc, data)
        response.content_type = MEDIA_TYPE
        return response


class ProblemFormatter(ExceptionFormatter):
    """The library flattens nested errors; this puts them into RFC 9457's shape."""

    def run(self) -> dict[str, Any]:
        exc = self.exc
        if isinstance(exc, exceptions.ValidationError):
            code, detail = "invalid", "Some values are not valid; see errors."
            if isinstance(exc, InvalidParameter):
                code, detail = exc.code, exc.summary
            errors = [_entry(*error) for error in flat_errors(exc.detail)]
        else:
            first = flatten_errors(exc.detail)[0]
            code, detail = first.code, first.detail
            if exc.status_code == 500:
                code, detail = "server_error", OUR_FAULT
            errors = [_entry(*error) for error in getattr(exc, "errors", ())]
        request = self.context["request"]
        assert request is not None  # noqa: S101 - the types of the library are too wide
        return problem(
            request,
            exc.status_code,
            detail,
            code=code,
            errors=errors,
            facts=getattr(exc, "facts", {}),
        )


def exception_handler(exc: Exception, context: Any) -> Response | None:
    return ProblemHandler(exc, context).run()


def problem(
    request: HttpRequest,
    status: int,
    detail: str,
    *,
    code: str,
    errors: Iterable[dict[str, str]] = (),
    facts: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """The document itself."""
    return {
        "type": "about:blank",  # the code says more than a page could
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": list(errors),
        "request_id": request.META.get("REQUEST_ID", ""),
        **{name: fact for name, fact in facts.items() if name not in RESERVED},
    }


def problem_response(
    request: HttpRequest, status: int, detail: str, *, code: str
) -> HttpResponse:
    """A problem from outside REST framework: middleware, unknown paths, crashes."""
    document = problem(request, status, detail, code=code)
    return HttpResponse(json.dumps(document), status=status, content_type=MEDIA_TYPE)


def _entry(pointer: str, detail: exceptions.ErrorDetail) -> dict[str, str]:
    return {"pointer": pointer, "detail": str(detail), "code": str(detail.code)}


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


# handler400, handler403, handler404 and handler500 of the URL map: problems under
# /api/, pages elsewhere.


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _is_api(request):
        return defaults.bad_request(request, exception)
    return problem_response(request, 400, "Malformed request.", code="malformed")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _is_api(request):
        return defaults.permission_denied(request, exception)
    return problem_response(request, 403, "Not allowed.", code="permission_denied")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _is_api(request):
        return defaults.page_not_found(request, exception)
    return problem_response(request, 404, "Not found.", code="not_found")


def server_error(request: HttpRequest) -> HttpResponse:
    if not _is_api(request):
        return defaults.server_error(request)
    return problem_response(request, 500, OUR_FAULT, code="server_error")
