"""What a fresh installation starts with; and that a second start leaves it alone."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from pytest_django.fixtures import Settings

from referral_factory.access.models import ApiKey
from referral_factory.access.services import ALL_SCOPES, find_key, revoke_key
from referral_factory.management.commands import seed
from referrals.models import Campaign, Click, Referral
from rewards.models import Reward
from webhooks.models import Delivery, Endpoint


@pytest.fixture
def known_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> Path:
    monkeypatch.setattr(seed, "STATE_DIR", tmp_path / "var")
    settings.WEBHOOKS_ALLOW_LOOPBACK = True
    call_command("seed")
    return tmp_path / "var" / "run.json"


def read(path: Path) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(path.read_text())
    return known


def test_nobody_else_can_read_what_it_wrote(known_file: Path) -> None:
    assert stat.S_IMODE(known_file.stat().st_mode) == 0o600


def test_login_and_keys_work(known_file: Path) -> None:
    known = read(known_file)
    admin = User.objects.get(username=known["admin"]["username"])
    assert admin.is_superuser
    assert admin.check_password(known["admin"]["password"])
    for mode, text in known["keys"].items():
        key = find_key(text)
        assert key
        assert (key.mode, set(key.scopes)) == (mode, set(ALL_SCOPES))


def test_second_time_changes_nothing(known_file: Path) -> None:
    before = known_file.read_bytes()
    call_command("seed")
    assert known_file.read_bytes() == before
    counts = (User.objects.count(), ApiKey.objects.count(), Campaign.objects.count())
    assert counts == (1, 2, 1)


def test_revoked_key_is_replaced(known_file: Path) -> None:
    old = read(known_file)["keys"]
    found = find_key(old["live"])
    assert found
    revoke_key(found)
    call_command("seed")
    new = read(known_file)["keys"]
    assert new["live"] != old["live"]
    assert new["test"] == old["test"]


def test_password_that_somebody_chose_is_left_alone(known_file: Path) -> None:
    admin = User.objects.get()
    admin.set_password("chosen")
    admin.save()
    call_command("seed")
    assert User.objects.get().check_password("chosen")
    assert read(known_file)["admin"]["password"] == seed.CHANGED


def test_lost_file_gives_a_new_password(known_file: Path) -> None:
    known_file.unlink()
    call_command("seed")
    password = read(known_file)["admin"]["password"]
    assert User.objects.get().check_password(password)


def test_example_shows_something_on_every_page(known_file: Path) -> None:
    assert {*Referral.objects.values_list("status", flat=True)} == {
        "pending",
        "qualified",
        "disqualified",
    }
    assert {*Reward.objects.values_list("status", flat=True)} == {
        "flagged",
        "approved",
        "issued",
    }
    flagged = Reward.objects.filter(status="flagged")
    assert {reason["code"] for each in flagged for reason in each.reasons} == {
        "same_address_and_agent",
        "similar_mailbox",
    }
    assert Click.objects.count() == 9


def test_example_sends_nothing(known_file: Path) -> None:
    assert Endpoint.objects.get().status == "disabled"
    pending = Delivery.objects.filter(status="pending")
    assert not pending.filter(endpoint__status="enabled").exists()
