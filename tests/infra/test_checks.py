import pytest
from django.core.checks import CheckMessage, run_checks
from pytest_django import Settings

from referral_factory import checks
from referral_factory.embedded import Server


def complaints() -> list[str | None]:
    """Ours only: Django's own have other prefixes."""
    found: list[CheckMessage] = run_checks(databases=["default"])
    ours = [message for message in found if str(message.id).startswith("project.")]
    assert all(message.hint for message in ours)
    return [message.id for message in ours]


def test_the_defaults_are_fine() -> None:
    assert complaints() == []


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("SECRET_KEY", "short", "project.E001"),
        ("PUBLIC_URL", "referrals.example.com", "project.E002"),
        ("CELERY_BROKER_URL", "kafka://broker", "project.E003"),
        ("LANDING_HOSTS", ["https://shop.example"], "project.E010"),
        ("LANDING_HOSTS", ["*"], "project.E010"),
        ("EMAIL_URL", "mail.example.com", "project.E008"),
        ("EMAIL_URL", "pigeon://mail.example.com", "project.E008"),
        ("EMAIL_URL", "smtp://", "project.E008"),
        ("EMAIL_URL", "smtp://user:secret@mail.example.com:many", "project.E008"),
    ],
)
def test_a_bad_setting_is_explained(
    settings: Settings, name: str, value: object, complaint: str
) -> None:
    settings.MAIL_FROM = "hello@shop.example"
    setattr(settings, name, value)
    assert complaints() == [complaint]


def test_a_deployment_is_asked_to_name_its_landing_hosts(settings: Settings) -> None:
    found = [message.id for message in run_checks(include_deployment_checks=True)]
    assert "project.W001" in found

    settings.LANDING_HOSTS = ["shop.example", "*.example.org", "127.0.0.1:8000"]
    found = [message.id for message in run_checks(include_deployment_checks=True)]
    assert not {"project.W001", "project.E010"} & set(found)


@pytest.mark.parametrize(
    "sender", ["", "Example Shop", "a@b.example\nBcc: c@d.example"]
)
def test_email_needs_a_sender_of_your_own(settings: Settings, sender: str) -> None:
    settings.EMAIL_URL = "smtp+tls://user:secret@mail.example.com:587"
    settings.MAIL_FROM = sender
    assert complaints() == ["project.E009"]


def test_an_embedded_server_that_is_down_is_explained(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    settings.DATABASE_URL = ""
    monkeypatch.setattr(checks, "SERVER", Server(tmp_path_factory.mktemp("var")))
    assert complaints() == ["project.E005"]


def test_a_server_that_is_too_old_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "OLDEST_POSTGRES", 99)
    assert complaints() == ["project.E007"]
