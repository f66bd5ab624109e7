import base64
import json
import time

import pytest
from pytest_django.fixtures import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from webhooks import secrets, signing

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of the specification
VECTORS = [
    (
        SECRET,
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        "whsec_plJ3nmyCDGBKInavdOK15jsl",
        "msg_loFOjxBNrRLzqYUf",
        1731705121,
        b'{"event_type":"ping","data":{"success":true}}',
        "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    ),
]


@pytest.fixture
def now() -> int:
    return int(time.time())


@pytest.mark.parametrize(("secret", "key", "at", "body", "expected"), VECTORS)
def test_signature_is_that_of_the_published_vectors(
    secret: str, key: str, at: int, body: bytes, expected: str
) -> None:
    assert signing.signature(secret, key, at, body) == expected


def test_independent_library_accepts_what_we_sign(now: int) -> None:
    secret = signing.new_secret()
    body = '{"name":"Zoë"}'.encode()

    headers = signing.headers([secret], "msg_1", now, body)

    assert Webhook(secret).verify(body, headers) == json.loads(body)


def test_both_secrets_verify_while_one_replaces_another(now: int) -> None:
    new, old = signing.new_secret(), signing.new_secret()

    headers = signing.headers([new, old], "msg_1", now, b"{}")

    for secret in (new, old):
        Webhook(secret).verify(b"{}", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.new_secret()).verify(b"{}", headers)


def test_signatures_are_parted_by_exactly_one_space() -> None:
    headers = signing.headers([SECRET, SECRET], "msg_1", 1, b"{}")

    first, second = headers["webhook-signature"].split(" ")

    assert first == second
    assert first.startswith("v1,")


def test_secret_is_as_long_as_the_specification_asks() -> None:
    secret = signing.new_secret()

    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32


def test_stored_secret_is_unreadable_and_opens_again() -> None:
    stored = secrets.encrypt(SECRET)

    assert SECRET not in stored
    assert secrets.decrypt(stored) == SECRET


def test_secret_survives_a_change_of_the_secret_key(settings: Settings) -> None:
    stored = secrets.encrypt(SECRET)

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"  # noqa: S105

    assert secrets.decrypt(stored) == SECRET
