"""The demo's totals while the worker and the dispatcher are killed, again and again."""

import os
import signal
import time
from pathlib import Path

from tests.demo.runs import LOG, finish, start
from tests.long.test_run import HEALED, called, everybody, wait_for
from tests.systems import System, whole_system

LINES = LOG.read_text().splitlines()[:600]
KILLS = [" worker ", "manage.py dispatch"] * 2
EVERY = 3.0  # seconds


def kill(system: System, words: str) -> None:
    """kill -9, once it is up again after the last time."""
    wait_for(lambda: called(system, words), HEALED)
    os.kill(called(system, words)[0], signal.SIGKILL)


def test_killing_worker_and_dispatcher_changes_no_total(tmp_path: Path) -> None:
    # Leases are three times the timeout: what a killed one held comes back in 15 s.
    with whole_system(tmp_path / "var", WEBHOOKS_TIMEOUT="5") as system:
        everybody(system)
        process = start(system, tmp_path, LINES)
        for words in KILLS:
            time.sleep(EVERY)
            kill(system, words)
        assert process.poll() is None  # all that happened while it played
        run = finish(process, tmp_path)
    assert system.log.read_text().count("died (SIGKILL)") == len(KILLS)
    assert run.code == 0, run.output
    assert run.differing() == set()
