"""The demo's totals while the worker and the dispatcher are killed, again and again."""

import os
import signal
import time
from contextlib import suppress
from itertools import cycle
from pathlib import Path

from tests.demo.runs import LOG, finish, start
from tests.long.test_run import called, everybody
from tests.systems import System, whole_system

LINES = LOG.read_text().splitlines()[:400]
EVERY = 3.0  # seconds between two kills


def kill(system: System, words: str) -> int:
    """kill -9; how many that were (none, while the last one is being replaced)."""
    pids = called(system, words)[:1]
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(pids)


def test_killing_worker_and_dispatcher_changes_no_total(tmp_path: Path) -> None:
    # Leases are three times the timeout: what a killed one held comes back in 15 s.
    with whole_system(tmp_path / "var", WEBHOOKS_TIMEOUT="5") as system:
        everybody(system)
        process, kills = start(system, tmp_path, LINES), 0
        for words in cycle([" worker ", "manage.py dispatch"]):
            time.sleep(EVERY)
            if process.poll() is not None:
                break
            kills += kill(system, words)
        run = finish(process, tmp_path)
    assert kills >= 4
    assert run.code == 0, run.output
    assert run.differing() == set()
