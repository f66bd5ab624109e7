"""Our web server, and the limit's beside it: alike in everything but the code.

    @figure("redirect")
    def redirect() -> Figure:
        people = world()                       # a campaign, a key, 10,000 participants
        with servers() as running:
            ours = Load(running.ours, lambda n: http_request("GET", ...), expected=302)
            limit = Load(running.limit, lambda n: ..., expected=201)
            return compare(ours, limit, unit="per second", of="one INSERT",
                           code=limits.insert_click)

Anything that takes seconds and returns a Round can stand in for a Load. Django is set
up on a database of the bench's own (see database.py) before a figure is called.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from bench.rows import world
from referral_factory.management.commands.run import programs

ROOT = Path(__file__).parent.parent
OURS, LIMIT = "referral_factory.wsgi:application", "bench.limits:application"
PATIENCE = 30.0  # seconds to come up
NO_LIMIT = "1000000000"  # calls a minute: limits are counted, and never reached
ENVIRONMENT = {
    "RATE_LIMIT_PER_MINUTE": NO_LIMIT,
    "VISIT_LIMIT_PER_MINUTE": NO_LIMIT,
    "WEBHOOKS_ALLOW_LOOPBACK": "1",
}


@dataclass(frozen=True)
class Running:
    """The ports of the two."""

    ours: int
    limit: int


@contextmanager
def servers() -> Iterator[Running]:
    """Both, for this block."""
    world()  # which makes the limit's tables
    running = Running(ours=free_port(), limit=free_port())
    processes = [_start(OURS, running.ours), _start(LIMIT, running.limit)]
    try:
        _wait(running.ours, "/healthz")
        _wait(running.limit, "/constant")
        yield running
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _start(application: str, port: int) -> subprocess.Popen[bytes]:
    """As `make run` starts the web server."""
    command = [*programs(port, verbose=False)["web"][:-1], application]
    environment = {
        **os.environ,
        **ENVIRONMENT,
        "PORT": str(port),
        "DJANGO_SETTINGS_MODULE": "referral_factory.settings",
    }
    if application == LIMIT:
        del environment["DJANGO_SETTINGS_MODULE"]  # it has settings of its own
    return subprocess.Popen(command, cwd=ROOT, env=environment)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int, path: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", port, timeout=2)
        with suppress(OSError, HTTPException):
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        connection.close()
        time.sleep(0.05)
    raise TimeoutError(f"Nothing answers on port {port}.")
