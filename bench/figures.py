"""What a figure is, the list of them, and how two things are compared."""

import inspect
import os
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.load import Round

ROUNDS = 5
SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))  # of one round

Measure = Callable[[float], Round]


@dataclass(frozen=True)
class Figure:
    """A measurement beside the limit or peer that ran in the same run.

    `value` and `limit` are medians in `unit`; `details` holds every round, and whatever
    else somebody needs to judge them. `notes` go onto the printed line.
    """

    value: float
    unit: str
    limit: float
    of: str  # what the limit is, in a word or two
    details: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

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


def compare(
    ours: Measure, limit: Measure, *, unit: str, of: str, code: Callable[..., Any]
) -> Figure:
    """Measure the two in turns, so that what else the machine does hits both.

    `code` is what the limit does; its source is kept with the result.
    """
    rounds: dict[str, list[Round]] = {"limit": [], "ours": []}
    for _ in range(ROUNDS):
        rounds["limit"].append(limit(SECONDS))
        rounds["ours"].append(ours(SECONDS))
    kept = {name: [asdict(one) for one in some] for name, some in rounds.items()}
    return Figure(
        value=_median(rounds["ours"], "per_second"),
        unit=unit,
        limit=_median(rounds["limit"], "per_second"),
        of=of,
        details={"seconds": SECONDS, **kept, "limit_code": inspect.getsource(code)},
        notes=_latencies(rounds["ours"]),
    )


def _latencies(rounds: list[Round]) -> dict[str, str]:
    """Of ours, where it has any: the medians of the rounds'."""
    if any(one.p99 is None for one in rounds):
        return {}
    return {name: f"{_median(rounds, name):.3g}ms" for name in ("p50", "p99")}


def _median(rounds: list[Round], name: str) -> float:
    median: float = statistics.median(getattr(one, name) for one in rounds)
    return median
