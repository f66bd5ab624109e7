"""Whether a body comes from its source: decided on its very bytes, before it is read.

Every secret that holds is compared with every signature that was sent, in constant
time, so that the time it takes says nothing of which was nearer.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from referrals.models import Campaign
from webhooks.models import Source
from webhooks.signing import signature
from webhooks.sources.keyring import secrets_of
from webhooks.sources.refusing import not_proven
from webhooks.sources.schemes import BODY, TIMESTAMP, TOLERANCE, Scheme

LONGEST_HEADER = 4096
MOST_SIGNATURES = 20  # in one header: a sender that changes secrets sends two
LONGEST_NUMBER = 16  # digits of a timestamp, with room for milliseconds
MILLISECONDS = 10**11  # a timestamp from here on counts those
Kinds = Source.Verification

MISSING = "missing_signature"
BAD = "bad_signature"
WRONG = "No secret of this source makes this signature of this body."


@dataclass(frozen=True)
class Sent:
    """What was sent, as it came. Names of headers are in small letters."""

    body: bytes
    headers: Mapping[str, str]
    query: str = ""
    address: str | None = None

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")[:200]

    def header(self, name: str) -> str:
        """A header's text; nothing where it is longer than any that proves much."""
        text = self.headers.get(name.lower(), "").strip()
        return text if len(text) <= LONGEST_HEADER else ""


def verify(source: Source, campaign: Campaign, sent: Sent, *, wall: datetime) -> str:
    """NotTaken unless the source sent it. Returns the id that it signed, if any."""
    if source.verification == Kinds.NONE:
        return _trust_everybody(campaign)
    secrets = secrets_of(source, now=wall)
    return CHECKS[source.verification](source, secrets, sent, wall)


def _trust_everybody(campaign: Campaign) -> str:
    if campaign.mode != Campaign.Mode.TEST:
        raise not_proven("not_verified", "Only in test mode may anybody report events.")
    return ""


def _standard_webhooks(
    source: Source, secrets: Sequence[str], sent: Sent, wall: datetime
) -> str:
    named = {
        part: sent.header(f"webhook-{part}") or sent.header(f"svix-{part}")
        for part in ("id", "timestamp", "signature")
    }
    for part, text in named.items():
        if not text:
            raise not_proven(MISSING, f"There is no header webhook-{part}.")
    if "." in named["id"] or len(named["id"]) > 200:
        raise not_proven(BAD, "webhook-id holds a point, or is too long.")
    seconds = _number(named["timestamp"])
    given = [
        text
        for each in named["signature"].split(" ")[:MOST_SIGNATURES]
        if (text := each.strip()).startswith("v1,")
    ]
    made = [signature(key, named["id"], seconds, sent.body) for key in secrets]
    _refuse_unless_equal(given, made)
    _refuse_unless_in_time(seconds, TOLERANCE, wall)
    return named["id"]


def _hmac(source: Source, secrets: Sequence[str], sent: Sent, wall: datetime) -> str:
    scheme = Scheme.from_json(source.scheme)
    header = sent.header(scheme.header)
    if not header:
        raise not_proven(MISSING, f"There is no header {scheme.header}.")
    parts = list(_parts(header)) if scheme.field else [("", header)]
    given = [text for name, text in parts if name == scheme.field][:MOST_SIGNATURES]
    timestamp = _timestamp(scheme, sent, parts)
    seconds = _number(timestamp) if scheme.is_timed else None
    signed = _signed(scheme, sent.body, timestamp)
    made = [scheme.prefix + _letters(scheme, key, signed) for key in secrets]
    if scheme.encoding == "hex":
        given = [text.lower() for text in given]
        made = [text.lower() for text in made]
    _refuse_unless_equal(given, made)
    if seconds is not None:
        _refuse_unless_in_time(seconds, scheme.tolerance, wall)
    return ""


def _bearer(source: Source, secrets: Sequence[str], sent: Sent, wall: datetime) -> str:
    kind, _, token = sent.header("authorization").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise not_proven("missing_token", "There is no `Authorization: Bearer ...`.")
    if not _any_equal([token.strip()], secrets):
        raise not_proven("bad_token", "That is not a token of this source.")
    return ""


CHECKS: Mapping[str, Callable[[Source, Sequence[str], Sent, datetime], str]] = {
    Kinds.STANDARD_WEBHOOKS: _standard_webhooks,
    Kinds.HMAC: _hmac,
    Kinds.BEARER: _bearer,
}


def _parts(header: str) -> Iterator[tuple[str, str]]:
    """`t=1,v1=abc` by its names; the same name may come several times."""
    for part in header.split(",")[: 2 * MOST_SIGNATURES]:
        name, _, text = part.strip().partition("=")
        yield name, text


def _timestamp(scheme: Scheme, sent: Sent, parts: list[tuple[str, str]]) -> str:
    if scheme.timestamp_header:
        return sent.header(scheme.timestamp_header)
    found = [text for name, text in parts if name == scheme.timestamp_field]
    return found[0] if scheme.timestamp_field and len(found) == 1 else ""


def _signed(scheme: Scheme, body: bytes, timestamp: str) -> bytes:
    before, _, after = scheme.signed.partition(BODY)
    before, after = (text.replace(TIMESTAMP, timestamp) for text in (before, after))
    return before.encode() + body + after.encode()


def _letters(scheme: Scheme, key: str, signed: bytes) -> str:
    digest = hmac.digest(key.encode(), signed, scheme.algorithm)
    if scheme.encoding == "base64":
        return base64.b64encode(digest).decode()
    return digest.hex()


def _number(text: str) -> int:
    """Without zeros in front: where the body comes right before, they may be of it."""
    if text.startswith("0") or not (
        text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
    ):
        raise not_proven("bad_timestamp", "The timestamp is not a number of seconds.")
    return int(text)


def _refuse_unless_in_time(number: int, tolerance: int, wall: datetime) -> None:
    """Last of all, so that what is said of time is said of what was really signed."""
    seconds = number // (1000 if number >= MILLISECONDS else 1)
    age = wall.timestamp() - seconds
    if age > tolerance:
        raise not_proven("too_old", f"It was signed over {tolerance} seconds ago.")
    if age < -tolerance:
        raise not_proven("too_early", f"It is signed {tolerance} seconds ahead of us.")


def _refuse_unless_equal(given: Sequence[str], made: Sequence[str]) -> None:
    if not given:
        raise not_proven(MISSING, "The header holds no signature of the kind expected.")
    if not _any_equal(given, made):
        raise not_proven(BAD, WRONG)


def _any_equal(given: Sequence[str], ours: Sequence[str]) -> bool:
    equal = False
    for one in given:
        for other in ours:
            equal |= hmac.compare_digest(_blurred(one), _blurred(other))
    return equal


def _blurred(text: str) -> bytes:
    """Of one length whatever it was, so that not even the length can be measured."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
