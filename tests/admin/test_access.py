from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.test import Client

from referral_factory.access.models import ApiKey
from referral_factory.access.services import create_key, find_key
from tests.admin.pages import use
from tests.factories import make_campaign, make_delivery
from webhooks.models import Endpoint
from webhooks.secrets import decrypt

KEYS = "/admin/access/apikey/"
ENDPOINTS = "/admin/webhooks/endpoint/"
DELIVERIES = "/admin/webhooks/delivery/"

NEW_KEY = {"name": "Shop", "mode": "test", "scopes": ["rewards:read"]}


def test_a_new_key_is_shown_once_and_works(boss: Client) -> None:
    page = boss.post(f"{KEYS}add/", NEW_KEY)

    text = page.context["secret"]
    key = find_key(text)
    assert key is not None
    assert (key.name, key.scopes) == ("Shop", ["rewards:read"])
    assert text in page.text
    assert "no-store" in page.headers["Cache-Control"]
    assert text not in boss.get(f"{KEYS}{key.pk}/change/").text
    assert all(text not in str(s.get_decoded()) for s in Session.objects.all())
    assert all(text not in str(vars(entry)) for entry in LogEntry.objects.all())


def test_a_key_is_revoked(boss: Client) -> None:
    key, _ = create_key(name="Shop", mode="live", scopes=[])

    use(boss, "revoke", key, KEYS)

    assert ApiKey.objects.get().revoked_at is not None


def test_a_new_endpoint_shows_its_secret_once(boss: Client, settings: object) -> None:
    settings.WEBHOOKS_ALLOW_LOOPBACK = True  # type: ignore[attr-defined]
    campaign = make_campaign()
    form = {"mode": "test", "url": "http://127.0.0.1:9000/hook"}

    page = boss.post(
        f"{ENDPOINTS}add/",
        {**form, "types": ["reward.flagged"], "campaigns": [campaign.pk]},
    )

    endpoint = Endpoint.objects.get()
    assert endpoint.types == ["reward.flagged"]
    assert endpoint.campaign_ids == [campaign.pk]
    assert decrypt(endpoint.secret) == page.context["secret"]
    assert (
        page.context["secret"] not in boss.get(f"{ENDPOINTS}{endpoint.pk}/change/").text
    )


def test_a_private_address_is_refused_beside_its_field(boss: Client) -> None:
    page = boss.post(f"{ENDPOINTS}add/", {"mode": "test", "url": "https://10.0.0.1/"})

    assert "no message may go to" in page.text
    assert not Endpoint.objects.exists()


def test_a_new_secret_is_shown_and_the_old_one_signs_as_well(boss: Client) -> None:
    delivery = make_delivery(status="failed")

    page = use(boss, "rotate-secret", delivery.endpoint, ENDPOINTS)

    endpoint = Endpoint.objects.get()
    assert decrypt(endpoint.secret) == page.context["secret"]
    assert endpoint.old_secret == delivery.endpoint.secret


def test_an_endpoint_is_disabled_by_name_and_enabled(boss: Client) -> None:
    endpoint = make_delivery(status="failed").endpoint

    use(boss, "disable", endpoint, ENDPOINTS)
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "Disabled by user:boss."

    use(boss, "enable", endpoint, ENDPOINTS)
    endpoint.refresh_from_db()
    assert endpoint.status == "enabled"


def test_a_failed_delivery_is_tried_again(boss: Client) -> None:
    delivery = make_delivery(status="failed")

    use(boss, "retry", delivery, DELIVERIES)

    delivery.refresh_from_db()
    assert delivery.status == "pending"
