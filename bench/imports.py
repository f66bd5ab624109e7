"""A file of people through a worker's own code, in a process of its own.

Time must grow as the rows do, and memory must not: ten thousand rows beside a hundred
thousand, in turns.
"""

import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from bench.figures import ROUNDS, Figure, figure
from bench.memory import peak_mb
from bench.rows import world
from referrals.models import Import
from referrals.services.importing import work_on_imports
from referrals.services.imports import receive_file, run_import

FEW, MANY = 10_000, 100_000
LIMIT_MB = 300
WORKER = "import django; django.setup(); from bench.imports import work; work()"

_numbers = itertools.count(1)


@figure("import_csv")
def import_csv() -> Figure:
    """Rows a second of a large file, beside those of a tenth of it."""
    rounds: dict[int, list[dict[str, Any]]] = {FEW: [], MANY: []}
    for _ in range(ROUNDS):
        for rows, done in rounds.items():
            done.append(_imported(rows))
    peaks = {rows: max(one["peak_mb"] for one in done) for rows, done in rounds.items()}
    return Figure(
        value=_median(rounds[MANY]),
        unit="rows/s",
        limit=_median(rounds[FEW]),
        of=f"{FEW} rows",
        details={"few": rounds[FEW], "many": rounds[MANY], "memory_limit_mb": LIMIT_MB},
        notes={
            "peak": f"{peaks[MANY]:.0f}MB",
            "peak_of_a_tenth": f"{peaks[FEW]:.0f}MB",
            "memory": "ok" if peaks[MANY] < LIMIT_MB else f"over-{LIMIT_MB}MB",
        },
    )


def _median(rounds: list[dict[str, Any]]) -> float:
    speeds: list[float] = [one["rows"] / one["seconds"] for one in rounds]
    return statistics.median(speeds)


def _imported(rows: int) -> dict[str, Any]:
    """Upload here, and let a process of its own do what the worker does."""
    file = _file(rows, next(_numbers))
    campaign = world().campaign
    received = receive_file(campaign, file, filename="people.csv", by="user:bench")
    run_import(received, wall=timezone.now())
    done = subprocess.run(
        [sys.executable, "-c", WORKER], check=True, stdout=subprocess.PIPE
    )
    received.refresh_from_db()
    if (received.status, received.created_count) != (Import.Status.DONE, rows):
        raise RuntimeError(f"{received.created_count} of {rows}: {received.error}")
    return {"rows": rows, **json.loads(done.stdout)}


def _file(rows: int, number: int) -> Iterator[bytes]:
    yield b"E-Mail;Customer ID;First name;Last name;attributes.plan\r\n"
    for start in range(0, rows, 1000):
        yield "".join(
            f"p{n}@file{number}.example.com;f{number}-{n};Ada;Lovelace;pro\r\n"
            for n in range(start, start + 1000)
        ).encode()


def work() -> None:
    """What the worker's task does, until nothing is left; says how it went."""
    start = time.perf_counter()
    while work_on_imports():
        pass
    seconds = time.perf_counter() - start
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))
