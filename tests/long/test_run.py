"""`manage.py run`: what dies comes back, and what stops leaves nobody behind."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from referral_factory.embedded import Server
from tests.systems import System, whole_system

PROGRAMS = ["granian", " worker ", " beat ", "manage.py dispatch"]
HEALED = 30  # seconds: a busy machine takes its time to load Python
GONE = 30


def children(pid: int) -> list[int]:
    """The process ids of all that it started, and they, from Linux's /proc."""
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [pid for child in found for pid in (int(child), *children(int(child)))]


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""  # gone, or a zombie that nobody has reaped


def called(system: System, words: str) -> list[int]:
    return [pid for pid in children(system.process.pid) if words in command(pid)]


def wait_for(condition: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def everybody(system: System) -> list[int]:
    """All its processes once all programs are up, the database's among them."""
    wait_for(lambda: all(called(system, words) for words in PROGRAMS), HEALED)
    database = Server(system.state).pid()
    assert database
    return [*children(system.process.pid), database, *children(database)]


def replaced(system: System, words: str) -> None:
    """Kill a program; see another one in its place, and nothing left of it."""
    old = called(system, words)
    os.kill(old[0], signal.SIGKILL)
    wait_for(lambda: set(called(system, words)) - set(old), HEALED)
    assert_gone(old)


def assert_gone(pids: list[int]) -> None:
    wait_for(lambda: not [command(pid) for pid in pids if command(pid)], GONE)


def test_ctrl_c_leaves_nobody_and_the_next_start_keeps_the_data(tmp_path: Path) -> None:
    with whole_system(tmp_path / "var") as system:
        first, pids = system.known, everybody(system)
    assert system.process.returncode == 0
    assert_gone(pids)
    with whole_system(tmp_path / "var") as system:
        assert system.known["keys"] == first["keys"]


def test_each_program_that_is_killed_is_replaced(tmp_path: Path) -> None:
    with whole_system(tmp_path / "var") as system:
        everybody(system)
        for words in PROGRAMS:
            replaced(system, words)


def test_a_killed_supervisor_leaves_nobody(tmp_path: Path) -> None:
    with whole_system(tmp_path / "var") as system:
        pids = everybody(system)
        system.process.kill()
        assert_gone(pids)
