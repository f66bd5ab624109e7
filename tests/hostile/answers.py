"""Sending something, and what may be said of every answer."""

import json
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from rest_framework.test import APIClient

from referral_factory.access.models import ApiKey, CallCount

MEMBERS = {"type", "title", "status", "detail", "code", "errors", "request_id"}
# Counted and noted whatever becomes of the call.
NOT_COMPARED = {ApiKey, CallCount}


def send(client: APIClient, method: str, url: str, body: bytes, **kwargs: Any) -> Any:
    kwargs.setdefault("content_type", "application/json")
    # The client takes bytes as they are; its types know only text.
    return client.generic(method.upper(), url, body, **kwargs)  # type: ignore[arg-type]


def complaint(answer: Any) -> str | None:
    """What is wrong with an answer; None when it is a 2xx or a proper problem."""
    if 200 <= answer.status_code < 300:
        return None
    if not 400 <= answer.status_code < 500:
        return f"status {answer.status_code}"
    if answer["Content-Type"] != "application/problem+json":
        return f"{answer.status_code} {answer['Content-Type']}"
    document = json.loads(answer.content)
    if missing := MEMBERS - document.keys():
        return f"no {missing} in {document}"
    if document["status"] != answer.status_code or not document["code"]:
        return f"status or code of {document}"
    if answer.status_code == 422 and document["code"] == "invalid":
        return _complaint_of_errors(document["errors"])
    return None


def _complaint_of_errors(errors: Any) -> str | None:
    named = all(error["code"] and error["detail"] for error in errors)
    pointed = all(error["pointer"][:1] in ("", "/") for error in errors)
    return None if errors and named and pointed else f"errors {errors}"


def undone_if_taken(call: Callable[[], Any]) -> Any:
    """The answer to a call. What a successful one did is undone; what a refused one
    may have done wrongly is not."""
    with transaction.atomic():
        answer = call()
        transaction.set_rollback(answer.status_code < 400)
    return answer


def contents() -> str:
    """A hash over all that we keep: equal when nothing was written."""
    with connection.cursor() as cursor:
        cursor.execute(_contents_query())
        return str(cursor.fetchone())


def _contents_query() -> str:
    ours = [m for m in apps.get_models() if m.__module__.split(".")[0] in OUR_APPS]
    tables = [model._meta.db_table for model in ours if model not in NOT_COMPARED]
    parts = [
        f"(SELECT md5(string_agg(row::text, ',' ORDER BY row::text)) FROM {table} row)"  # noqa: S608 - our own tables
        for table in tables
    ]
    return f"SELECT {', '.join(parts)}"


OUR_APPS = {"referrals", "rewards", "webhooks", "referral_factory"}
