"""The mappings that the page of sources shows, on bodies as those systems send them."""

import json
from typing import Any

import pytest

from referral_factory.embedded import BASE_DIR
from tests.docs.test_snippets import snippets
from tests.factories import make_campaign
from webhooks.models import Source
from webhooks.sources.previewing import preview, sent_as_sample
from webhooks.sources.schemes import Scheme, problem_of
from webhooks.sources.services import create_source, scheme_of

PAGE = BASE_DIR / "docs" / "sources.md"
SHOWN = [json.loads(text) for text in snippets(PAGE, "json")]
MAPPINGS = [each for each in SHOWN if "participant" in each]

STRIPE: Any = {
    "sample": {
        "id": "evt_1MqqbKLt4dXK03v5qaIbiNCC",
        "object": "event",
        "type": "checkout.session.completed",
        "created": 1680064028,
        "data": {
            "object": {
                "id": "cs_test_a1",
                "client_reference_id": None,
                "customer_details": {"email": "bob@example.com", "name": None},
                "amount_total": 4999,
                "currency": "usd",
                "payment_status": "paid",
            }
        },
    }
}
SHOPIFY: Any = {
    "sample": {
        "id": 820982911946154508,
        "email": "bob@example.com",
        "name": "#9999",
        "processed_at": "2021-12-31T19:00:00-05:00",
        "total_price": "403.00",
        "currency": "USD",
    }
}
GITHUB: Any = {
    "sample": {
        "action": "created",
        "sponsorship": {
            "node_id": "MDExOlNwb25zb3JzaGlwMQ==",
            "created_at": "2019-12-20T19:24:46+00:00",
            "sponsor": {"login": "octocat", "id": 583231},
            "tier": {"monthly_price_in_dollars": 5},
        },
    }
}
FORM: Any = {
    "body": "email=+bob%40example.com&plan=gold&total=19.90",
    "content_type": "application/x-www-form-urlencoded",
}


@pytest.mark.parametrize(
    ("rules", "sent", "person", "amount", "happened"),
    [
        (
            MAPPINGS[0],
            STRIPE,
            {"email": "bob@example.com"},
            "49.99",
            "2023-03-29T04:27:08Z",
        ),
        (
            MAPPINGS[1],
            SHOPIFY,
            {"email": "bob@example.com"},
            "403.00",
            "2022-01-01T00:00:00Z",
        ),
        (
            MAPPINGS[2],
            GITHUB,
            {"external_id": "github-583231"},
            "5",
            "2019-12-20T19:24:46Z",
        ),
        (MAPPINGS[3], FORM, {"email": "bob@example.com"}, "19.90", None),
    ],
    ids=["Stripe", "Shopify", "GitHub", "form"],
)
def test_a_mapping_reads_what_its_system_sends(
    rules: Any, sent: Any, person: Any, amount: str, happened: str | None
) -> None:
    source, _ = create_source(
        make_campaign(),
        name="Shop",
        verification="hmac",
        scheme=scheme_of({"preset": "github"}),
        mapping=rules,
    )

    came = preview(source.campaign, source, sent_as_sample(sent), None)

    assert came["outcome"] == "event", came
    event = came["event"]
    assert (event["name"], event["participant"]) == ("purchase", person)
    assert (event["amount"], event["currency"]) == (amount, "USD")
    assert event["occurred_at"] == happened


def test_the_scheme_that_is_described_is_sound() -> None:
    (described,) = [each for each in SHOWN if "header" in each]

    scheme = Scheme.from_json(scheme_of(described))

    assert problem_of(scheme) == ""
    assert (scheme.header, scheme.signed) == (
        "X-Slack-Signature",
        "v0:{timestamp}:{body}",
    )


def test_every_way_to_prove_oneself_is_described() -> None:
    text = PAGE.read_text()

    for name in Source.Verification.values:
        assert f"`{name}`" in text
