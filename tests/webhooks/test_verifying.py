"""Who may report events: signatures as other systems make them, byte for byte."""

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from referrals.models import Campaign
from tests.webhooks import signed
from webhooks import secrets
from webhooks.models import Source
from webhooks.sources.refusing import NotTaken
from webhooks.sources.schemes import PRESETS, Scheme
from webhooks.sources.verifying import Sent, verify

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
BODY = b'{"id": "evt_1", "amount": 1999}'


def source(verification: str, *ring: str, **fields: Any) -> Source:
    kept = [{"secret": secrets.encrypt(each), "until": None} for each in ring]
    return Source(verification=verification, secrets=kept, **fields)


def stripe(*ring: str, **changes: Any) -> Source:
    scheme = PRESETS["stripe"].as_json() | changes
    return source("hmac", *(ring or (signed.STRIPE,)), scheme=scheme)


def preset(name: str, secret: str) -> Source:
    return source("hmac", secret, scheme=PRESETS[name].as_json())


def judged(
    known: Source, headers: dict[str, str], body: bytes = BODY, mode: str = "live"
) -> str:
    """The code of the refusal; "taken" where there is none."""
    try:
        verify(known, Campaign(mode=mode), Sent(body, headers), wall=NOW)
    except NotTaken as refusal:
        return refusal.code if refusal.status_code == 401 else "?"
    return "taken"


# --- What is genuine is taken -------------------------------------------------------


def test_the_vector_in_the_documents_of_github_is_taken() -> None:
    printed = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"x-hub-signature-256": f"sha256={printed}"}

    known = preset("github", "It's a Secret to Everybody")

    assert judged(known, headers, b"Hello, World!") == "taken"


def test_the_vector_of_standard_webhooks_is_taken() -> None:
    known = source("standard_webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    then = datetime.fromtimestamp(1614265330, UTC)
    sent = Sent(b'{"test": 2432232314}', headers)

    verify(known, Campaign(mode="live"), sent, wall=then)


def test_what_stripe_signs_is_taken() -> None:
    assert judged(stripe(), signed.stripe(BODY, SECONDS)) == "taken"


def test_what_shopify_signs_is_taken() -> None:
    known = preset("shopify", signed.SHOPIFY)

    assert judged(known, signed.shopify(BODY)) == "taken"


def test_hex_digits_may_be_capital_letters() -> None:
    headers = signed.github(BODY)
    headers["x-hub-signature-256"] = headers["x-hub-signature-256"].upper()

    assert judged(preset("github", signed.GITHUB), headers) == "taken"


def test_headers_of_svix_are_those_of_standard_webhooks() -> None:
    made = signed.standard(BODY, SECONDS)
    headers = {name.replace("webhook", "svix"): text for name, text in made.items()}

    assert judged(source("standard_webhooks", signed.STANDARD), headers) == "taken"


def test_a_scheme_of_ones_own_is_taken() -> None:
    """As Slack signs: `v0:{timestamp}:{body}`, with the time in a header of its own."""
    scheme = Scheme(
        "X-Slack-Signature",
        prefix="v0=",
        signed="v0:{timestamp}:{body}",
        timestamp_header="X-Slack-Request-Timestamp",
    )
    known = source("hmac", "8f742231b10e8888abcd99yyyzzz85a5", scheme=scheme.as_json())
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA"
        b"&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F3977"
        b"00885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.8"
        b"03a0bc887a14d10d2c447fce8b6703c"
    )
    # The example in the documents of Slack.
    headers = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd2751966"
        "6489c69b503",
    }
    then = datetime.fromtimestamp(1531420618, UTC)

    verify(known, Campaign(mode="live"), Sent(body, headers), wall=then)


def test_a_bearer_token_is_taken() -> None:
    known = source("bearer", "a-token-of-our-own")

    assert judged(known, {"authorization": "bearer a-token-of-our-own"}) == "taken"


def test_in_test_mode_a_source_may_prove_nothing() -> None:
    assert judged(source("none"), {}, mode="test") == "taken"
    assert judged(source("none"), {}, mode="live") == "not_verified"


# --- What is not is refused ---------------------------------------------------------

GENUINE: dict[str, tuple[Source, dict[str, str]]] = {
    "stripe": (stripe(), signed.stripe(BODY, SECONDS)),
    "github": (preset("github", signed.GITHUB), signed.github(BODY)),
    "shopify": (preset("shopify", signed.SHOPIFY), signed.shopify(BODY)),
    "standard": (
        source("standard_webhooks", signed.STANDARD),
        signed.standard(BODY, SECONDS),
    ),
}


@pytest.mark.parametrize("name", GENUINE)
def test_another_body_is_refused(name: str) -> None:
    known, headers = GENUINE[name]

    assert judged(known, headers) == "taken"
    assert judged(known, headers, BODY + b" ") == "bad_signature"


@pytest.mark.parametrize("name", GENUINE)
def test_every_header_is_needed(name: str) -> None:
    known, headers = GENUINE[name]
    for header in headers:
        rest = {other: headers[other] for other in headers if other != header}
        assert judged(known, rest) == "missing_signature"


@pytest.mark.parametrize("name", GENUINE)
def test_no_bit_of_a_signature_may_differ(name: str) -> None:
    known, headers = GENUINE[name]
    header = list(headers)[-1]
    text = headers[header].split(",v0=")[0]
    for place in range(len(text) - 50, len(text) - 2):
        changed = "A" if text[place] not in "aA" else "B"
        wrong = {**headers, header: text[:place] + changed + text[place + 1 :]}
        assert judged(known, wrong) != "taken"


@pytest.mark.parametrize("name", GENUINE)
@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "=", ",", "v1", "v1,", "sha256=", "t=,v1=", "é", "\ud800", "\x00"),
        *("x" * 10**6, "v1,=", "t=1,t=2,v1=ab", "sha256=zz", "v1," * 10_000, "==== "),
    ],
    ids=lambda text: ascii(text)[:20],
)
def test_a_header_of_nonsense_is_refused(name: str, text: str) -> None:
    known, headers = GENUINE[name]
    for header in headers:
        if header != "webhook-id":
            assert judged(known, {**headers, header: text}) != "taken"


@pytest.mark.parametrize(("known", "header"), [(stripe(), signed.stripe)])
def test_a_signature_of_another_secret_is_refused(known: Source, header: Any) -> None:
    assert judged(known, header(BODY, SECONDS, "another")) == "bad_signature"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(-301, "too_old"), (-300, "taken"), (300, "taken"), (301, "too_early")],
)
def test_time_is_kept_to_five_minutes_both_ways(seconds: int, code: str) -> None:
    at = SECONDS + seconds

    assert judged(stripe(), signed.stripe(BODY, at)) == code
    assert judged(GENUINE["standard"][0], signed.standard(BODY, at)) == code


def test_a_tolerance_of_ones_own_is_kept_to() -> None:
    known = stripe(tolerance=60)

    assert judged(known, signed.stripe(BODY, SECONDS - 60)) == "taken"
    assert judged(known, signed.stripe(BODY, SECONDS - 61)) == "too_old"


@pytest.mark.parametrize("text", ["", "soon", "-1", "1e3", "٣", "9" * 17, "1.5"])
def test_a_timestamp_is_a_number(text: str) -> None:
    headers = {"stripe-signature": f"t={text},v1=ab"}

    assert judged(stripe(), headers) == "bad_timestamp"


def test_of_two_timestamps_neither_is_believed() -> None:
    made = signed.stripe(BODY, SECONDS - 9999)["stripe-signature"]

    assert (
        judged(stripe(), {"stripe-signature": f"t={SECONDS},{made}"}) == "bad_timestamp"
    )


def test_an_old_one_that_is_forged_is_not_called_old() -> None:
    headers = signed.stripe(BODY, SECONDS - 9999, "another")

    assert judged(stripe(), headers) == "bad_signature"


def test_an_id_with_a_point_could_be_cut_elsewhere() -> None:
    headers = signed.standard(BODY, SECONDS, name=f"msg_1.{SECONDS}")

    assert judged(GENUINE["standard"][0], headers) == "bad_signature"


@pytest.mark.parametrize("text", ["", "Bearer", "Bearer ", "Basic abc", "Bearer nope"])
def test_another_token_is_refused(text: str) -> None:
    known = source("bearer", "a-token-of-our-own")

    assert judged(known, {"authorization": text}) in {"missing_token", "bad_token"}


# --- While one secret replaces another ----------------------------------------------


def test_each_secret_that_holds_is_enough() -> None:
    known = stripe("the-new-secret-of-it", signed.STRIPE)

    assert judged(known, signed.stripe(BODY, SECONDS)) == "taken"
    newer = signed.stripe(BODY, SECONDS, "the-new-secret-of-it")
    assert judged(known, newer) == "taken"


def test_one_good_signature_of_several_is_enough() -> None:
    headers = signed.stripe(BODY, SECONDS, "unknown-to-us", signed.STRIPE)

    assert judged(stripe(), headers) == "taken"


def test_an_old_secret_ends_when_it_was_said_to() -> None:
    known = stripe()
    known.secrets[0]["until"] = (NOW + timedelta(seconds=1)).isoformat()
    assert judged(known, signed.stripe(BODY, SECONDS)) == "taken"

    known.secrets[0]["until"] = NOW.isoformat()
    assert judged(known, signed.stripe(BODY, SECONDS)) == "bad_signature"


def test_digits_of_the_body_cannot_become_zeros_of_the_timestamp() -> None:
    scheme = Scheme("X-Sign", signed="{body}{timestamp}", timestamp_header="X-At")
    known = source("hmac", signed.STRIPE, scheme=scheme.as_json())
    made = hmac.new(signed.STRIPE.encode(), f"id=100{SECONDS}".encode(), "sha256")
    headers = {"x-sign": made.hexdigest()}

    assert judged(known, {**headers, "x-at": f"{SECONDS}"}, b"id=100") == "taken"
    forged = judged(known, {**headers, "x-at": f"0{SECONDS}"}, b"id=10")
    assert forged == "bad_timestamp"
