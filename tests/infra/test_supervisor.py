"""Programs under one supervisor: started, restarted, and never left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from referral_factory.supervisor import Program, Supervisor

ROOT = Path(__file__).resolve().parent.parent.parent

# Has a child of its own, says who the two are, and stays.
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(99)
"""
# A process with a supervisor, as `manage.py run` is one.
SUPERVISING = f"""
import os, sys
from referral_factory.supervisor import Supervisor
programs = {{"parent": [sys.executable, "-c", {PARENT!r}]}}
with Supervisor(programs, os.environ, lambda line: print(line, flush=True)) as it:
    while not it.stopping:
        it.tick(0.05)
print("done", flush=True)
"""


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}


def wait_until_gone(*pids: int) -> None:
    deadline = time.monotonic() + 10
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() < deadline, f"left behind: {pids}"
        time.sleep(0.02)


@pytest.fixture
def supervising() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISING], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def announced(process: "subprocess.Popen[str]") -> list[int]:
    """The ids of the program and of its child, from the next line that says them."""
    assert process.stdout is not None
    for line in process.stdout:
        name, _, said = line.partition("|")
        if name.strip() == "parent":
            return [int(pid) for pid in said.split()]
    raise AssertionError("it ended without a word")


@pytest.mark.parametrize("wish", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_leaves_nobody(
    supervising: "subprocess.Popen[str]", wish: signal.Signals
) -> None:
    pids = announced(supervising)
    supervising.send_signal(wish)
    assert supervising.communicate(timeout=10)[0] == "done\n"
    wait_until_gone(*pids)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children")
def test_killed_it_takes_its_programs_along(
    supervising: "subprocess.Popen[str]",
) -> None:
    parent, _ = announced(supervising)
    supervising.kill()
    wait_until_gone(parent)


def test_a_killed_program_is_back_in_a_second_and_its_children_are_gone(
    supervising: "subprocess.Popen[str]",
) -> None:
    first = announced(supervising)
    killed = time.monotonic()
    os.kill(first[0], signal.SIGKILL)
    assert supervising.stdout is not None
    said = supervising.stdout.readline()
    assert said == "parent died (SIGKILL); starting it again in 0.5 s\n"
    second = announced(supervising)
    assert time.monotonic() - killed < 2
    assert set(first).isdisjoint(second)
    wait_until_gone(*first)


def test_who_keeps_dying_is_tried_ever_more_rarely() -> None:
    program = Program("broken", ["false"])
    pauses = [program.died(now=1.0) for _ in range(8)]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert program.died(now=60.0) == 0.5  # it had run for a minute


def test_last_words_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest keeps its own
    said: list[str] = []
    broken = [sys.executable, "-c", "raise SystemExit('no such setting')"]
    with Supervisor({"web": broken}, os.environ, said.append) as supervisor:
        while len(said) < 2:
            supervisor.tick(0.05)
    assert said == [
        "       web | no such setting",
        "web died (exit code 1); starting it again in 0.5 s",
    ]
