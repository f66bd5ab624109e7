"""The whole system, as `make run` starts it, for tests that need all of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from referral_factory.embedded import BASE_DIR
from referral_factory.management.commands.run import is_ready

PATIENCE = 90  # seconds to come up, or to go down


@dataclass
class System:
    """A running system: where it answers, and where it keeps its state."""

    url: str
    state: Path
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def known(self) -> dict[str, Any]:
        """What `make run` wrote down: the login and the keys."""
        known: dict[str, Any] = json.loads((self.state / "run.json").read_text())
        return known


@contextmanager
def whole_system(state: Path, **environment: str) -> Iterator[System]:
    """Start everything with its state in a folder of its own; stop it by Ctrl-C."""
    port = free_port()
    log = state.parent / f"{state.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run"],
            cwd=BASE_DIR,
            env={
                **clean_environment(),
                "STATE_DIR": str(state),
                "PORT": str(port),
                **environment,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        system = System(f"http://127.0.0.1:{port}", state, process, log)
        _wait_until_ready(system, port)
        yield system
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment() -> dict[str, str]:
    """Ours, without what would lead the system to another database or broker."""
    ours = {"DATABASE_URL", "CELERY_BROKER_URL", "PUBLIC_URL", "SECRET_KEY"}
    return {k: v for k, v in os.environ.items() if k not in ours}


def _wait_until_ready(system: System, port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert system.process.poll() is None, system.log.read_text()
        if is_ready(port):
            return
        time.sleep(0.2)
    raise AssertionError(f"It did not come up.\n{system.log.read_text()}")
