import pytest
from rest_framework.test import APIClient

from tests.api.callers import caller, make_key


@pytest.fixture
def api() -> APIClient:
    """A backend with a live key that may do everything."""
    return caller(make_key()[1])


@pytest.fixture
def sandbox() -> APIClient:
    """The same of test mode."""
    return caller(make_key(mode="test")[1])
