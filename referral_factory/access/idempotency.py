"""A write that is repeated with the same Idempotency-Key happens once.

The answer is stored in the transaction of its effect, so there is never one without
the other. An advisory lock, held by the running request, keeps a second one out.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.exceptions import APIException, ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from referral_factory import prepared
from referral_factory.errors import DomainError
from referral_factory.wire import as_json

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
METHODS = frozenset({"POST", "PATCH"})
VALID = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
KEPT_FOR = timedelta(days=2)

Handler = Callable[..., Response]


class IdempotencyInProgress(DomainError):
    code = "idempotency_in_progress"


class IdempotencyMismatch(APIException):
    status_code = 422
    default_code = "idempotency_mismatch"


class SecretResponse(Response):
    """An answer with fields that are shown this once, and never stored."""

    def __init__(self, data: Any, *, secret_fields: tuple[str, ...], **kwargs: Any):
        super().__init__(data, **kwargs)
        self.secret_fields = secret_fields


@dataclass(frozen=True)
class Call:
    """One request, as far as repeating it is concerned."""

    api_key_id: UUID
    key: str
    method: str
    path: str
    request_hash: str


def asked_for(request: Request) -> bool:
    return request.method in METHODS and HEADER in request.headers


def once(handler: Handler, request: Request) -> Callable[..., HttpResponse]:
    """The handler, such that it has an effect once per Idempotency-Key."""
    key = request.headers[HEADER]
    if not VALID.fullmatch(key):
        raise ParseError(
            f"{HEADER} must be 1 to 255 printable ASCII characters.",
            code="invalid_idempotency_key",
        )

    def handle(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        call = _call(request, key)
        with transaction.atomic():
            stored = _find(call)
            if stored is not None:
                return _replay(stored, call)
            response = handler(request, *args, **kwargs)
            if response.status_code < 400:
                _keep(call, response)
        return response

    return handle


def _call(request: Request, key: str) -> Call:
    _ = request.data  # parsed now: the parser leaves a hash of the body behind
    body_hash = request.parser_context.get("body_hash", "")
    whole = f"{request.method} {request.get_full_path()} {body_hash}"
    return Call(
        api_key_id=request.auth.pk,
        key=key,
        method=request.method or "",
        path=request.path[:2000],
        request_hash=hashlib.sha256(whole.encode()).hexdigest(),
    )


LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(%(name)s, 0))"
STORED = """
    SELECT method, path, request_hash, status, body
    FROM access_idempotencykey WHERE api_key_id = %(api_key)s AND key = %(key)s
"""
KEEP = """
    INSERT INTO access_idempotencykey
        (api_key_id, key, method, path, request_hash, status, body, created_at)
    VALUES (%(api_key)s, %(key)s, %(method)s, %(path)s, %(request_hash)s, %(status)s,
        %(body)s, %(now)s)
"""


class Stored(NamedTuple):
    method: str
    path: str
    request_hash: str
    status: int
    body: str


def _find(call: Call) -> Stored | None:
    """Keep others with this key out until the transaction ends; what they stored.

    Two statements: one that did both would look with a snapshot from before it had
    the lock.
    """
    name = f"idempotency {call.api_key_id} {call.key}"
    if prepared.execute(LOCK, {"name": name}).fetchone() != (True,):
        raise IdempotencyInProgress("A request with this key is still running.")
    named = {"api_key": call.api_key_id, "key": call.key}
    stored = prepared.execute(STORED, named).fetchone()
    return Stored(*stored) if stored else None


def _replay(stored: Stored, call: Call) -> HttpResponse:
    if stored.request_hash != call.request_hash:
        raise IdempotencyMismatch(
            f"This key was used for another request: {stored.method} {stored.path}."
        )
    return HttpResponse(
        stored.body,
        status=stored.status,
        content_type="application/json",
        headers={REPLAYED: "true"},
    )


def _keep(call: Call, response: Response) -> None:
    data = response.data
    secret_fields = getattr(response, "secret_fields", ())
    if secret_fields:
        data = {name: data[name] for name in data if name not in secret_fields}
    stored = {
        "api_key": call.api_key_id,
        "key": call.key,
        "method": call.method,
        "path": call.path,
        "request_hash": call.request_hash,
        "status": response.status_code,
        "body": as_json(data).decode(),
        "now": timezone.now(),
    }
    prepared.execute(KEEP, stored)
