from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.mail.smtp import MailServer, mail_server


@pytest.fixture
def on(settings: Settings) -> Settings:
    """E-mail is configured; where it leads is for the test to say."""
    settings.EMAIL_URL = "smtp://127.0.0.1"
    settings.MAIL_FROM = "Example Shop <hello@shop.example>"
    return settings


@pytest.fixture
def server(on: Settings) -> Iterator[MailServer]:
    with mail_server(on) as running:
        yield running
