"""A write that is repeated with the same Idempotency-Key happens once.

The answer is stored in the transaction of its effect, so there is never one without
the other. An advisory lock, held by the running request, keeps a second one out.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
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
from referral_factory.prepared import array
from referral_factory.wire import as_json

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
METHODS = frozenset({"POST", "PATCH"})
VALID = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
KEPT_FOR = timedelta(days=2)

Handler = Callable[..., HttpResponse]
Answer = HttpResponse | Exception


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


def once(handler: Handler, request: Request) -> Handler:
    """The handler, such that it has an effect once per Idempotency-Key."""
    call = call_of(request)

    def handle(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        (answer,) = answer_once([call], lambda _: [handler(request, *args, **kwargs)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handle


def call_of(request: Request) -> Call | None:
    """What a call is known by when it is repeated; None where it has no such key."""
    if not asked_for(request):
        return None
    _ = request.data  # parsed now: the parser leaves a hash of the body behind
    return known_by(
        request.headers[HEADER],
        request.auth.pk,
        method=request.method or "",
        path=request.path,
        url=request.get_full_path(),
        body_hash=request.parser_context.get("body_hash", ""),
    )


def known_by(
    key: str, api_key: UUID, *, method: str, path: str, url: str, body_hash: str
) -> Call:
    if not VALID.fullmatch(key):
        raise ParseError(
            f"{HEADER} must be 1 to 255 printable ASCII characters.",
            code="invalid_idempotency_key",
        )
    whole = f"{method} {url} {body_hash}".encode()
    return Call(api_key, key, method, path[:2000], hashlib.sha256(whole).hexdigest())


def answer_once(
    calls: Sequence[Call | None], make: Callable[[Sequence[int]], Sequence[Answer]]
) -> list[Answer]:
    """Answer calls, in one transaction: with what is stored, or by what is made now.

    `make` takes the places of the calls that are to be made. What is an exception is
    kept no more than an answer of 400 and above: such a call may be repeated.
    """
    try:
        return _answer(calls, make)
    except _Overtaken:  # nothing of ours was kept: now their answer is found
        return _answer(calls, make)


class _Overtaken(Exception):
    """Somebody with a key of ours committed between our look and our lock."""


def _answer(
    calls: Sequence[Call | None], make: Callable[[Sequence[int]], Sequence[Answer]]
) -> list[Answer]:
    with transaction.atomic():
        answers = _find(calls)
        places = [n for n in range(len(calls)) if n not in answers]
        made = dict(zip(places, make(places), strict=True)) if places else {}
        _keep([(call, made[n]) for n, call in enumerate(calls) if call and n in made])
    answers |= made
    return [answers[n] for n in range(len(calls))]


# The locks, and what is stored. It may look a moment before it has a lock, and miss
# what somebody commits in between: the table's key then refuses a second answer.
FIND = """
    SELECT asked.api_key_id, asked.key, locked, method, path, request_hash, status, body
    FROM (
        SELECT api_key_id::uuid, key, pg_try_advisory_xact_lock(
            hashtextextended('idempotency ' || api_key_id || ' ' || key, 0)) AS locked
        FROM unnest(%(api_keys)s::text[], %(keys)s::text[]) AS asked (api_key_id, key)
    ) AS asked
    LEFT JOIN access_idempotencykey AS stored
        ON stored.api_key_id = asked.api_key_id AND stored.key = asked.key
"""
COLUMNS = "api_key_id, key, method, path, request_hash, status, body, created_at"
KEEP = f"""
    INSERT INTO access_idempotencykey ({COLUMNS}) SELECT {COLUMNS}
    FROM json_populate_recordset(NULL::access_idempotencykey, %(rows)s::json)
"""  # noqa: S608 - a constant


class Stored(NamedTuple):
    method: str
    path: str
    request_hash: str
    status: int
    body: str


def _find(calls: Sequence[Call | None]) -> dict[int, Answer]:
    """The answers that are known, by the place of their call.

    Whoever else has the keys of the others is kept out while we make them.
    """
    places = {(call.api_key_id, call.key): n for n, call in enumerate(calls) if call}
    if not places:
        return {}
    asked = {
        "api_keys": array(api_key for api_key, _ in places),
        "keys": array(key for _, key in places),
    }
    found: dict[int, Answer] = {}
    for api_key, key, locked, *stored in prepared.execute(FIND, asked):
        n = places[api_key, key]
        if stored[0] is not None:
            found[n] = _replay(Stored(*stored), calls[n])
        elif not locked:
            said = "A request with this key is still running."
            found[n] = IdempotencyInProgress(said)
    return found


def _replay(stored: Stored, call: Call | None) -> Answer:
    if not call or stored.request_hash != call.request_hash:
        return IdempotencyMismatch(
            f"This key was used for another request: {stored.method} {stored.path}."
        )
    return HttpResponse(
        stored.body,
        status=stored.status,
        content_type="application/json",
        headers={REPLAYED: "true"},
    )


def _keep(made: Sequence[tuple[Call, Answer]]) -> None:
    rows = [
        {
            **vars(call),
            "status": answer.status_code,
            "body": _body(answer),
            "created_at": timezone.now(),
        }
        for call, answer in made
        if isinstance(answer, Response)
        and answer.status_code < 400
        and not isinstance(answer, WhatIf)
    ]
    if not rows:
        return
    try:
        prepared.execute(KEEP, {"rows": as_json(rows).decode()})
    except IntegrityError as error:
        raise _Overtaken from error


def _body(answer: Response) -> str:
    data = answer.data
    secret_fields = getattr(answer, "secret_fields", ())
    if secret_fields:
        data = {name: data[name] for name in data if name not in secret_fields}
    return as_json(data).decode()
