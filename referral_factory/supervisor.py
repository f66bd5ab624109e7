"""Several programs as one: they start and end together, and who dies is restarted."""

import ctypes
import math
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Self

SETTLED = 10.0  # seconds after which a program that dies has not "kept dying"
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before it is started again
PATIENCE = 10.0  # seconds to end in peace before it is killed
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)  # looked up here: nothing may be imported after a fork


@dataclass
class Program:
    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    output: int = -1  # where we read what it says
    started: float = 0.0
    resume: float = 0.0  # not to be started before
    failures: int = 0  # in a row
    unfinished: bytes = field(default=b"", repr=False)  # a line without its end

    def died(self, now: float) -> float:
        """Note that it died; the pause before it is started again."""
        self.failures = self.failures + 1 if now - self.started < SETTLED else 1
        self.process = None
        pause = min(FIRST_PAUSE * math.exp2(self.failures - 1), LONGEST_PAUSE)
        self.resume = now + pause
        return pause

    def lines(self, output: bytes) -> list[str]:
        *whole, self.unfinished = (self.unfinished + output).split(b"\n")
        return [line.decode(errors="replace").rstrip() for line in whole]


def end_with_parent() -> None:
    """In a new process: be told to stop when our parent dies, even by kill -9."""
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


class Supervisor:
    """Runs `programs` between entering and leaving; `tick` keeps them going.

    Each has a process group of its own, so that Ctrl-C in the terminal reaches us alone
    and we end them in order, and so that what a killed one leaves behind is found.
    """

    def __init__(
        self,
        programs: Mapping[str, Sequence[str]],
        environment: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        self.programs: list[Program] = []
        self.environment = dict(environment)
        self.say = say
        self.stopping = False
        self._outputs = selectors.DefaultSelector()
        self.add(programs)

    def add(self, programs: Mapping[str, Sequence[str]]) -> None:
        """Run these too, from the next tick on."""
        self.programs += [Program(name, command) for name, command in programs.items()]

    def __enter__(self) -> Self:
        for wish in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(wish, self._stop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopping = True
        for program in self.programs:
            if program.process:
                program.process.terminate()
        deadline = time.monotonic() + PATIENCE
        while self._alive() and time.monotonic() < deadline:
            self._pass_on(0.05)
        for program in self.programs:
            self._end(program)
        self._outputs.close()

    def tick(self, wait: float) -> None:
        """Start what is due, pass on what is said, notice what died."""
        now = time.monotonic()
        for program in self.programs:
            if program.process is None and program.resume <= now:
                self._start(program)
        self._pass_on(wait)
        for program in self.programs:
            if program.process and program.process.poll() is not None:
                self._bury(program, program.process)

    def _start(self, program: Program) -> None:
        program.started = time.monotonic()
        program.output, end = os.pipe()
        os.set_blocking(program.output, False)
        program.process = subprocess.Popen(
            program.command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=end,
            stderr=end,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
        os.close(end)
        self._outputs.register(program.output, selectors.EVENT_READ, data=program)

    def _pass_on(self, wait: float) -> None:
        if not self._outputs.get_map():
            time.sleep(wait)
        for key, _ in self._outputs.select(wait):
            self._read(key.data)

    def _read(self, program: Program) -> None:
        output = os.read(program.output, 65536)
        for line in program.lines(output):
            self.say(f"{program.name:>10} | {line}")
        if not output:
            self._close(program)

    def _close(self, program: Program) -> None:
        if program.output >= 0:
            self._outputs.unregister(program.output)
            os.close(program.output)
            program.output = -1

    def _bury(self, program: Program, process: subprocess.Popen[bytes]) -> None:
        self._end(program)
        pause = program.died(time.monotonic())
        self.say(
            f"{program.name} died ({how(process.returncode)}); "
            f"starting it again in {pause:g} s"
        )

    def _end(self, program: Program) -> None:
        """Kill what is left of it and its children; pass on its last words."""
        if program.process is None:
            return
        with suppress(ProcessLookupError):  # it ended with all its children
            os.killpg(program.process.pid, signal.SIGKILL)
        program.process.wait()
        with suppress(BlockingIOError):
            while program.output >= 0:
                self._read(program)
        self._close(program)

    def _alive(self) -> bool:
        return any(p.process and p.process.poll() is None for p in self.programs)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True
