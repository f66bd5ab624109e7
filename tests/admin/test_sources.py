"""Sources for staff: added, tried out, looked at, and put right."""

import json
from typing import Any

import pytest
from django.test import Client

from referrals.models import Event
from tests.admin.conftest import Login
from tests.admin.pages import said, use, use_on_several
from tests.factories import make_arrival, make_campaign, make_source
from webhooks.models import Arrival, Source
from webhooks.sources.services import create_source

SOURCES = "/admin/webhooks/source/"
ARRIVALS = "/admin/webhooks/arrival/"
MAPPING = {
    "event_id": "body.id",
    "name": '"purchase"',
    "participant": {"email": "body.email"},
}
BODY = b'{"id": "order-1", "email": "ann@shop.example"}'


def mapping_page(client: Client, source: Source, **form: Any) -> Any:
    return client.post(f"{SOURCES}{source.pk}/mapping/", form, follow=True)


def test_a_source_is_added_with_a_secret_shown_once(boss: Client) -> None:
    campaign = make_campaign()
    form = {"name": "Shop", "campaign": str(campaign.pk), "way": "standard_webhooks"}

    page = boss.post(f"{SOURCES}add/", form)

    source = Source.objects.get()
    assert "whsec_" in page.content.decode()
    assert (source.campaign, source.verification) == (campaign, "standard_webhooks")
    shown = boss.get(f"{SOURCES}{source.pk}/change/").content.decode()
    assert f"/in/{source.public_id}" in shown
    assert "whsec_" not in shown


def test_a_secret_of_the_other_system_is_typed_in(boss: Client) -> None:
    form = {
        "name": "Payments",
        "campaign": str(make_campaign().pk),
        "way": "stripe",
        "secret": "whsec_of_the_other_system",
    }

    page = boss.post(f"{SOURCES}add/", form, follow=True)

    assert "whsec_of" not in page.content.decode()
    assert Source.objects.get().scheme["header"] == "Stripe-Signature"


def test_live_campaigns_take_nothing_unproven(boss: Client) -> None:
    live = make_campaign(mode="live")
    form = {"name": "Shop", "campaign": str(live.pk), "way": "none"}

    page = boss.post(f"{SOURCES}add/", form)

    assert "a source proves itself" in page.content.decode()
    assert not Source.objects.exists()


def test_a_new_secret_may_be_theirs(boss: Client) -> None:
    source, _ = create_source(make_campaign(), name="Shop", verification="bearer")
    form = {"secret": "their-own-new-token", "overlap_hours": "1"}

    page = use(boss, "rotate-secret", source, SOURCES, **form)

    assert "their-own-new-token" in page.content.decode()
    source.refresh_from_db()
    assert len(source.secrets) == 2


def test_a_source_is_deleted_and_its_log_stays(boss: Client) -> None:
    arrival = make_arrival()

    use(boss, "remove", arrival.source, SOURCES)

    assert boss.get(f"{SOURCES}{arrival.source_id}/change/").status_code == 302
    assert boss.get(f"{ARRIVALS}{arrival.pk}/change/").status_code == 200


# --- The mapping --------------------------------------------------------------------


def test_a_mapping_is_tried_on_what_arrived_before_it_is_kept(boss: Client) -> None:
    source = make_source()
    make_arrival(source=source, body=BODY)
    make_arrival(source=source, body=b'{"id": "order-2"}')

    page = mapping_page(boss, source, mapping=json.dumps(MAPPING), content_type="x")

    text = page.content.decode()
    assert "ann@shop.example" in text
    assert "body has no field email" in text
    source.refresh_from_db()
    assert source.mapping == {}
    assert not Event.objects.exists()


def test_what_arrived_is_shown_to_who_may_see_arrivals(login: Login) -> None:
    source = make_source()
    make_arrival(source=source, body=BODY)
    may = ("webhooks.view_source", "webhooks.change_source")
    form = {"mapping": json.dumps(MAPPING), "content_type": "x"}

    hidden = mapping_page(login("max", *may), source, **form)
    shown = mapping_page(login("ana", *may, "webhooks.view_arrival"), source, **form)

    assert "ann@shop.example" not in hidden.content.decode()
    assert "ann@shop.example" in shown.content.decode()


def test_a_mapping_is_tried_on_a_sample(boss: Client) -> None:
    page = mapping_page(
        boss,
        make_source(),
        mapping=json.dumps(MAPPING),
        sample="id=7&email=bob%40shop.example",
        content_type="application/x-www-form-urlencoded",
    )

    assert "bob@shop.example" in page.content.decode()


def test_a_mapping_is_kept(boss: Client) -> None:
    source = make_source()

    page = mapping_page(
        boss, source, mapping=json.dumps(MAPPING), content_type="x", keep="1"
    )

    assert said(page) == f"The mapping of {source} is kept."
    source.refresh_from_db()
    assert source.mapping == MAPPING


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Not JSON"),
        ("[]", "Not an object"),
        ('{"name": "bdy.x", "participant": {"email": "body.e"}}', "did you mean body?"),
        ('{"name": "body.x"}', "participant: An event needs it."),
        ('{"a": 1, "a": 2}', "stands twice"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_said(
    boss: Client, text: str, words: str
) -> None:
    source = make_source()

    page = mapping_page(boss, source, mapping=text, content_type="x", keep="1")

    assert words in page.content.decode()
    source.refresh_from_db()
    assert source.mapping == {}


def test_the_mapping_is_for_those_who_may(login: Login) -> None:
    source = make_source()
    reader = login("ana", "webhooks.view_source")

    assert reader.get(f"{SOURCES}{source.pk}/mapping/").status_code == 403
    page = reader.get(f"{SOURCES}{source.pk}/change/").content.decode()
    assert "Try and change the mapping" not in page


# --- Arrivals -----------------------------------------------------------------------


def test_what_was_refused_is_read_again_by_many(boss: Client) -> None:
    source = make_source(mapping=MAPPING)
    good = make_arrival(source=source, body=BODY)
    bad = make_arrival(source=source, body=b"{}")

    page = use_on_several(boss, "replay", [good, bad], ARRIVALS)

    assert "1 arrival read again, and recorded." in said(page)
    assert "1 arrival read again, and refused again." in said(page)
    good.refresh_from_db()
    assert good.status == "recorded"


def test_an_arrival_is_shown_as_it_came(boss: Client) -> None:
    arrival = make_arrival(body=b'{"a": "<script>"}', headers={"x-shop": "ours"})

    text = boss.get(f"{ARRIVALS}{arrival.pk}/change/").content.decode()

    assert "&lt;script&gt;" in text
    assert "x-shop: ours" in text
    assert "A reason." in boss.get(ARRIVALS).content.decode()


def test_an_arrival_without_a_body_offers_no_replay(boss: Client) -> None:
    arrival = make_arrival(body=None)

    text = boss.get(f"{ARRIVALS}{arrival.pk}/change/").content.decode()

    assert "Read again</a>" not in text
    assert Arrival.objects.get().body is None
