"""How a system signs what it sends: which header, over what, in which letters."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

BODY, TIMESTAMP = "{body}", "{timestamp}"
ALGORITHMS = ("sha256", "sha512", "sha384", "sha1")  # each as an HMAC
ENCODINGS = ("hex", "base64")
TOLERANCE = 300  # seconds


@dataclass(frozen=True)
class Scheme:
    """One way to sign. The signature stands alone in its header, behind a `prefix`, or
    as one `field` of several (`t=...,v1=...`)."""

    header: str
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""
    field: str = ""
    signed: str = BODY  # what is signed: the body, and the timestamp where there is one
    timestamp_header: str = ""
    timestamp_field: str = ""  # of the signature's header
    tolerance: int = TOLERANCE  # seconds that it may be old, or ahead of our clock

    @property
    def is_timed(self) -> bool:
        return bool(self.timestamp_header or self.timestamp_field)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Scheme":
        return cls(**kept)


# As their own documents describe them.
PRESETS = {
    "stripe": Scheme(
        "Stripe-Signature",
        field="v1",
        timestamp_field="t",
        signed=f"{TIMESTAMP}.{BODY}",
    ),
    "github": Scheme("X-Hub-Signature-256", prefix="sha256="),
    "shopify": Scheme("X-Shopify-Hmac-Sha256", encoding="base64"),
}


def problem_of(scheme: Scheme) -> str:
    """What makes a scheme of no use; empty where it is sound."""
    if scheme.signed.count(BODY) != 1:
        return f"`signed` must hold {BODY} once: else the body is not signed."
    if scheme.is_timed and TIMESTAMP not in scheme.signed:
        return (
            f"`signed` must hold {TIMESTAMP}: a timestamp that is not signed is"
            " whatever the sender says."
        )
    if not scheme.is_timed and TIMESTAMP in scheme.signed:
        return "Say where the timestamp stands: `timestamp_header` or a field."
    if scheme.timestamp_field and not scheme.field:
        return "`timestamp_field` needs `field`: which of them is the signature?"
    if scheme.timestamp_field and scheme.timestamp_header:
        return "The timestamp stands in a header or in a field, not in both."
    return ""
