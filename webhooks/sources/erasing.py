"""What other systems sent of a person, once they are erased.

A line in the log stays, with what became of it; what was sent goes. It is found by the
event that it became, and by any word that names the person, however it was written.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from django.db import connection

from referrals.erasure import GONE, Erasure

SHORT = 6  # characters: a shorter word must stand alone, or it is part of any other
FORGET = """
    UPDATE webhooks_arrival
    SET body = NULL, headers = '{}', query = '',
        reason = regexp_replace(reason, %(words)s, %(gone)s, 'gi')
    WHERE campaign_id = %(campaign)s AND (
        event_id = ANY (%(events)s::uuid[])
        OR encode(body, 'escape') ~* %(words)s
        OR query ~* %(words)s
        OR headers::text ~* %(words)s
        OR reason ~* %(words)s
    )
"""
NEVER = "(?!)"  # matches nothing


def forget_arrivals(erasure: Erasure) -> None:
    """Drop every body of their campaign that is about them, or names them."""
    words = {form for word in erasure.words for form in _forms(word)}
    longest_first = sorted(words, key=len, reverse=True)
    pattern = "|".join(map(_pattern, longest_first)) or NEVER
    named: dict[str, Any] = {
        "campaign": erasure.participant.campaign_id,
        "events": list(erasure.events),
        "words": pattern,
        "gone": GONE,
    }
    with connection.cursor() as cursor:
        cursor.execute(FORGET, named)


def _forms(word: str) -> Iterator[str]:
    """As itself, as JSON and as forms spell it; and as PostgreSQL shows bytes."""
    spelled = {word, json.dumps(word)[1:-1], quote_plus(word), quote(word, safe="")}
    spelled.add(quote(word, safe="!'()*"))  # as browsers do
    for each in spelled:
        yield each
        yield "".join(map(_shown, each.encode()))


def _shown(byte: int) -> str:
    if byte == ord("\\"):
        return "\\\\"
    return chr(byte) if 0 < byte < 128 else f"\\{byte:03o}"


def _pattern(word: str) -> str:
    escaped = re.sub(r"(\W)", r"\\\1", word, flags=re.ASCII) if word.isascii() else word
    if len(word) < SHORT:
        return rf"(?<![[:alnum:]]){escaped}(?![[:alnum:]])"
    return escaped
