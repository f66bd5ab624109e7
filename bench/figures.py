"""What a figure is, and the list of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A measurement beside the limit or peer that ran in the same run.

    `value` and `limit` are medians in `unit`; `details` holds every round, and whatever
    else somebody needs to judge them.
    """

    value: float
    unit: str
    limit: float
    of: str  # what the limit is, in a word or two
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        return self.value / self.limit


FIGURES: dict[str, Callable[[], Figure]] = {}


def figure(name: str) -> Callable[[Callable[[], Figure]], Callable[[], Figure]]:
    """Let `make bench` measure this too."""

    def register(measure: Callable[[], Figure]) -> Callable[[], Figure]:
        if name in FIGURES:
            raise ValueError(f"there are two figures called {name}")
        FIGURES[name] = measure
        return measure

    return register
