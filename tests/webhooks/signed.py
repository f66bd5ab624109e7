"""Requests as other systems sign them, by their documents: no code of ours."""

import base64
import hashlib
import hmac

STRIPE = "whsec_5wJd1KzmHkQ2aVbN8xLr"
GITHUB = "It's a Secret to Everybody"
SHOPIFY = "hush-hush-hush-hush"
STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def stripe(body: bytes, at: int, *secrets: str) -> dict[str, str]:
    """`t=...,v1=...`: the hex HMAC-SHA256 of `{t}.{body}`, one v1 for each secret."""
    signed = str(at).encode() + b"." + body
    keys = secrets or (STRIPE,)
    made = [hmac.new(k.encode(), signed, hashlib.sha256).hexdigest() for k in keys]
    parts = [f"t={at}", *(f"v1={each}" for each in made), "v0=6ffbb59b2300aae63f27"]
    return {"stripe-signature": ",".join(parts)}


def github(body: bytes, secret: str = GITHUB) -> dict[str, str]:
    """`sha256=` and the hex HMAC-SHA256 of the body."""
    made = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-hub-signature-256": f"sha256={made}"}


def shopify(body: bytes, secret: str = SHOPIFY) -> dict[str, str]:
    """The base64 HMAC-SHA256 of the body."""
    made = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {"x-shopify-hmac-sha256": base64.b64encode(made).decode()}


def standard(
    body: bytes, at: int, secret: str = STANDARD, name: str = "msg_1"
) -> dict[str, str]:
    """Standard Webhooks 1.0: the base64 HMAC-SHA256 of `{id}.{timestamp}.{body}`."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{name}.{at}.".encode() + body
    made = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": name,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{made}",
    }
