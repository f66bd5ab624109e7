from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings


@pytest.fixture(autouse=True)
def _at_once(settings: Settings) -> None:
    """Answers come without the wait that hides who is known; one test has it."""
    settings.JOIN_ANSWERS_AFTER = timedelta()
