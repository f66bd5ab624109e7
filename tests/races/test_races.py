"""Real threads on real PostgreSQL; tests/long plays many more rounds."""

from collections.abc import Callable

import pytest

from tests.races.every import RACES
from tests.races.together import slow_writes

ROUNDS = 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)
def test_race_ends_well(race: Callable[[], None]) -> None:
    with slow_writes():
        for _ in range(ROUNDS):
            race()
