from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from tests.api.callers import caller, make_key
from tests.webhooks.receiver import Receiver, running


@pytest.fixture(autouse=True)
def _loopback(settings: Settings) -> None:
    """Receivers are on this machine here; and what hangs does not hang for long."""
    settings.WEBHOOKS_ALLOW_LOOPBACK = True
    settings.WEBHOOKS_TIMEOUT = timedelta(seconds=2)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running() as receiver:
        yield receiver


@pytest.fixture
def api() -> APIClient:
    """A backend with a test key that may do everything."""
    return caller(make_key(mode="test")[1])
