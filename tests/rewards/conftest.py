import pytest
from rest_framework.test import APIClient

from tests.api.callers import caller
from tests.factories import make_key


@pytest.fixture
def api() -> APIClient:
    """A backend with a test key that may do everything, as factories' campaigns are."""
    return caller(make_key())
