"""The races once more, with many rounds."""

from collections.abc import Callable

import pytest

from tests.races.every import RACES
from tests.races.together import slow_writes

ROUNDS = 20
# What people would meet first: enrolled, claimed and imported at once.
MANY_ROUNDS = 50
OFTEN = {f"tests.races.{name}" for name in ("claims", "enrolling", "importing")}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)
def test_race_ends_well_every_time(race: Callable[[], None]) -> None:
    with slow_writes():
        for _ in range(MANY_ROUNDS if race.__module__ in OFTEN else ROUNDS):
            race()
