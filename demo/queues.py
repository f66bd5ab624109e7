"""A queue as a shop may run one, and the consumer that reads it into the system.

In Redis where redis-server is installed, in a server of our own; else in tables of the
system's own database (PGMQ). Either way the consumer is `manage.py consume`.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
import redis

ROOT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, "manage.py"]
LONGEST_START = 30.0  # seconds
SERVERS = ("redis-server", "valkey-server")


class Queue(Protocol):
    """One queue, from the side of who fills it."""

    where: str  # for people
    url: str
    name: str

    def send(self, body: str) -> None: ...

    def is_empty(self) -> bool:
        """Whether all that was sent is taken, and acknowledged."""
        ...


class InRedis:
    where = "Redis"

    def __init__(self, port: int, name: str) -> None:
        self.url, self.name = f"redis://127.0.0.1:{port}/0", name
        self.client = redis.Redis(port=port)

    def send(self, body: str) -> None:
        self.client.lpush(self.name, body)

    def is_empty(self) -> bool:
        """What a consumer has taken is noted beside the queue until it is done."""
        return not self.client.exists(self.name, f"{{{self.name}}}:held")


class InPostgreSQL:
    where, url = "PostgreSQL", "pgmq://"

    def __init__(self, line: "psycopg.Connection[tuple[int]]", name: str) -> None:
        self.line, self.name = line, name

    def send(self, body: str) -> None:
        self.line.execute("SELECT pgmq.send(%s, %s::jsonb)", [self.name, body])

    def is_empty(self) -> bool:
        asked = "SELECT queue_length FROM pgmq.metrics(%s)"
        return self.line.execute(asked, [self.name]).fetchone() == (0,)


@contextmanager
def queue_called(name: str) -> Iterator[Queue]:
    """A queue that nobody else uses, gone afterwards."""
    server = next(filter(None, map(shutil.which, SERVERS)), None)
    if server:
        with (
            tempfile.TemporaryDirectory() as folder,
            redis_server(server, folder) as port,
        ):
            yield InRedis(port, name)
        return
    with psycopg.connect(address_of_database(), autocommit=True) as line:
        line.execute("SELECT pgmq.create(%s)", [name])
        try:
            yield InPostgreSQL(line, name)
        finally:
            line.execute("SELECT pgmq.drop_queue(%s)", [name])


@contextmanager
def redis_server(program: str, folder: str) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    place = ["--port", str(port), "--bind", "127.0.0.1", "--dir", folder]
    server = subprocess.Popen(
        [program, *place, "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: listens(port), "Redis did not start.")
        yield port
    finally:
        server.terminate()
        server.wait()


def address_of_database() -> str:
    if url := os.environ.get("DATABASE_URL"):
        return url
    said = subprocess.run(
        [*MANAGE, "postgres", "status"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return said.rpartition("): ")[2].strip()


class Consumer:
    """`manage.py consume`, until the end of the demo."""

    def __init__(self, queue: Queue, campaign: str) -> None:
        self.queue = queue
        self.process = subprocess.Popen(
            [*MANAGE, "consume", queue.url, queue.name, "--campaign", campaign],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_done(self, longest: float) -> bool:
        """Until nothing is left in the queue; False where that takes too long."""
        deadline = time.monotonic() + longest
        while not self.queue.is_empty():
            if self.process.poll() is not None or time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def stop(self) -> dict[str, int]:
        """How many events it says that it recorded, and how many were known before."""
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=LONGEST_START)
        return {
            word: int(number.replace(",", ""))
            for number, word in re.findall(r"(\d[\d,]*) (?:events )?(\w+)", said)
        }

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + LONGEST_START
    while not condition():
        if time.monotonic() > deadline:
            raise NoQueue(otherwise)
        time.sleep(0.05)


class NoQueue(Exception):
    """The queue could not be had."""
