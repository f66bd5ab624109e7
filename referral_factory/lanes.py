"""Parts of one call that are done beside each other, each on a connection of its own.

While the database works on one part, we get the next one ready. There are LANES of them
in a process, which all calls share: they stay, since a connection that has not written
to our tables before takes a tenth of a second to learn about them.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from threading import Barrier
from typing import Generic, ParamSpec, Self, TypeVar

from django.db import connection

A = TypeVar("A")
P = ParamSpec("P")

LANES = 2
_pool = ThreadPoolExecutor(LANES, thread_name_prefix="lane")


class Lanes(Generic[A]):
    """The parts of one call that were begun."""

    def __init__(self) -> None:
        self._begun: list[Future[A]] = []

    def begin(self, part: Callable[P, A], *args: P.args, **kwargs: P.kwargs) -> None:
        self._begun.append(_pool.submit(partial(_do, part, *args, **kwargs)))

    def finish(self) -> list[A]:
        """What the parts gave that were begun since; raises what one of them raised."""
        wait(self._begun)
        begun, self._begun = self._begun, []
        return [part.result() for part in begun]

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Self]:
        """For a call: when it ends, however it does, none of its parts is under way."""
        lanes = cls()
        try:
            yield lanes
        finally:
            wait(lanes._begun)


def hang_up() -> None:
    """Close the connections of all lanes."""
    everybody = Barrier(LANES)  # so that each does so once
    wait([_pool.submit(_hang_up, everybody) for _ in range(LANES)])


def _do(part: Callable[P, A], *args: P.args, **kwargs: P.kwargs) -> A:
    connection.close_if_unusable_or_obsolete()  # as Django does before a request
    return part(*args, **kwargs)


def _hang_up(everybody: Barrier) -> None:
    everybody.wait()
    connection.close()
