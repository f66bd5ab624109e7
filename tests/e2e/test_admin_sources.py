"""Sources in the admin, as they are seen: the log, and a mapping that is tried out."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.looks import LOOKS, Accessible, look_as, look_over
from tests.factories import make_arrival, make_campaign, make_source
from webhooks.models import Source

MAPPING = {
    "when": 'body.type == "checkout.session.completed"',
    "name": '"purchase"',
    "event_id": "body.id",
    "participant": {"email": "body.data.object.customer_email"},
    "amount": "minor(body.data.object.amount_total, body.data.object.currency)",
    "currency": "body.data.object.currency",
}
ORDER = {
    "id": "evt_1",
    "type": "checkout.session.completed",
    "data": {
        "object": {
            "customer_email": "ann@shop.example",
            "amount_total": 4999,
            "currency": "usd",
        }
    },
}


@pytest.fixture
def source() -> Source:
    campaign = make_campaign(name="Give 5, get 10", mode="live")
    known = make_source(
        campaign=campaign,
        name="Payments",
        verification="bearer",
        secrets=[{"secret": "-", "until": None}],
        mapping=MAPPING,
    )
    make_arrival(source=known, recorded=True, status="recorded", code="", reason="")
    make_arrival(
        source=known,
        code="too_old",
        reason="It was signed over 300 seconds ago.",
        body=None,
        address="203.0.113.9",
    )
    make_arrival(
        source=known,
        code="cannot_evaluate",
        reason="amount: body.data.object has no field amount_total.",
        content_type="application/json",
        headers={"user-agent": "Payments/1.0"},
        body=json.dumps(ORDER, indent=2).encode(),
    )
    return known


def test_a_mapping_is_tried_and_kept(page: Page, source: Source) -> None:
    page.goto(f"/admin/webhooks/source/{source.pk}/change/")
    page.get_by_role("link", name="Try and change the mapping").click()
    expect(page.get_by_text('"amount": "49.99"')).to_be_visible()

    page.get_by_label("Mapping").fill(
        json.dumps({**MAPPING, "amount": "body.data.object.amuont_total"})
    )
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("did you mean amount_total?")).to_be_visible()

    page.get_by_label("Mapping").fill(json.dumps({**MAPPING, "name": '"deposit"'}))
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("The mapping of Payments is kept.")).to_be_visible()
    source.refresh_from_db()
    assert source.mapping["name"] == '"deposit"'


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_pages_of_sources_are_accessible_and_fit(
    page: Page, source: Source, accessible: Accessible, width: str, scheme: str
) -> None:
    look_as(page, width, scheme)
    arrival = source.arrivals.first()
    assert arrival is not None

    look_over(
        page,
        accessible,
        "/admin/webhooks/source/",
        "/admin/webhooks/source/add/",
        f"/admin/webhooks/source/{source.pk}/change/",
        f"/admin/webhooks/source/{source.pk}/mapping/",
        "/admin/webhooks/arrival/",
        f"/admin/webhooks/arrival/{arrival.pk}/change/",
    )
