"""A write that is repeated with the same Idempotency-Key happens once.

The answer is stored in the transaction of its effect, so there is never one without
the other. An advisory lock, held by the running request, keeps a second one out.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
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


class WhatIf(Response):
    """An answer of what changed nothing: never stored, since it can be asked again."""


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
        run = partial(handler, request, *args, **kwargs)
        try:
            return _answer(call, run)
        except _Overtaken:  # nothing of ours was kept: now their answer is found
            return _answer(call, run)

    return handle


class _Overtaken(Exception):
    """Somebody with this key committed between our look and our lock."""


def _answer(call: Call, run: Callable[[], Response]) -> HttpResponse:
    with transaction.atomic():
        stored = _find(call)
        if stored is not None:
            return _replay(stored, call)
        response = run()
        if response.status_code < 400 and not isinstance(response, WhatIf):
            _keep(call, response)
    return response


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


# The lock, and what is stored. It may look a moment before it has the lock, and miss
# what somebody commits in between: the table's key then refuses a second answer.
FIND = """
    SELECT locked, method, path, request_hash, status, body
    FROM (
        SELECT pg_try_advisory_xact_lock(hashtextextended(%(name)s, 0)) AS locked
    ) AS lock
    LEFT JOIN access_idempotencykey ON api_key_id = %(api_key)s AND key = %(key)s
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
    """What was stored under this key; others are kept out while we find nothing."""
    name = f"idempotency {call.api_key_id} {call.key}"
    named = {"name": name, "api_key": call.api_key_id, "key": call.key}
    locked, *stored = prepared.execute(FIND, named).fetchall()[0]
    if stored[0] is not None:
        return Stored(*stored)
    if not locked:
        raise IdempotencyInProgress("A request with this key is still running.")
    return None


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
    try:
        prepared.execute(KEEP, stored)
    except IntegrityError as error:
        raise _Overtaken from error
