"""Taking many locks without ever waiting for one while holding another."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, transaction
from psycopg.errors import LockNotAvailable

T = TypeVar("T")

TRIES = 100
PAUSE = 0.05  # seconds


def all_or_none(lock: Callable[[], T]) -> T:
    """What `lock` returns, once it finds everything free.

    It asks for its locks with nowait=True. Where one is not free, all are given back,
    and it tries again: who never waits with locks in hand cannot be part of a deadlock,
    in whatever order others take theirs. For what is rare; others never wait for it.
    """
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                return lock()
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
        time.sleep(PAUSE)
    return lock()
