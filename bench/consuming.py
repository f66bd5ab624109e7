"""A queue's consumer, in a process of its own: its memory, and how many it takes.

Memory must be flat: a million messages beside a tenth of them, by the code of
`manage.py consume`. They come out of Redis where it is installed, else out of tables
(PGMQ). Nearly all become events; a few are repeats, and a few are none.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import redis
from django.db import connection

from bench.figures import Figure, figure
from bench.memory import peak_mb
from bench.rows import PEOPLE, world
from bench.servers import free_port
from webhooks.consuming.consumer import Consumer
from webhooks.consuming.opening import broker_of, road_of

MESSAGES = int(os.environ.get("BENCH_MESSAGES", "1_000_000"))
AT_ONCE = 10_000  # sent together, when fewer than that are waiting
QUEUE = "bench"
CONSUMER = "import django; django.setup(); from bench.consuming import work; work()"
MOST = 1.1  # times the peak of a tenth, for memory to be called flat


@figure("consumer_memory")
def consumer_memory() -> Figure:
    """The consumer's peak after all messages, beside that after a tenth of them."""
    campaign = world().campaign.public_id
    with queue() as found:
        few = consumed(found, campaign, "few", MESSAGES // 10)
        many = consumed(found, campaign, "many", MESSAGES)
    return Figure(
        value=many["peak_mb"],
        unit="MB",
        limit=few["peak_mb"],
        of=f"{MESSAGES // 10} messages",
        details={"few": few, "many": many, "from": found.url},
        notes={
            "messages": MESSAGES,
            "rate": f"{MESSAGES / many['seconds']:.0f}/s",
            "memory": "flat" if many["peak_mb"] <= few["peak_mb"] * MOST else "grows",
        },
    )


class Queue(Protocol):
    url: str

    def send(self, bodies: Sequence[str]) -> None: ...

    def waiting(self) -> int: ...


class InRedis:
    def __init__(self, url: str) -> None:
        self.url, self.client = url, redis.Redis.from_url(url)

    def send(self, bodies: Sequence[str]) -> None:
        self.client.lpush(QUEUE, *bodies)

    def waiting(self) -> int:
        return int(self.client.llen(QUEUE))


class InPostgreSQL:
    url = "pgmq://"

    def __init__(self) -> None:
        self._ask("SELECT pgmq.create(%s)", QUEUE)

    def send(self, bodies: Sequence[str]) -> None:
        self._ask("SELECT count(pgmq.send_batch(%s, %s::jsonb[]))", QUEUE, [*bodies])

    def waiting(self) -> int:
        found: int = self._ask("SELECT queue_length FROM pgmq.metrics(%s)", QUEUE)
        return found

    def _ask(self, statement: str, *values: str | list[str]) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone()[0]


@contextmanager
def queue() -> Iterator[Queue]:
    server = shutil.which("redis-server") or shutil.which("valkey-server")
    if server is None:
        yield InPostgreSQL()
        return
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        words = f"--port {port} --bind 127.0.0.1 --dir {folder} --appendonly no"
        running = subprocess.Popen(
            [server, *words.split(), "--save", ""], stdout=subprocess.DEVNULL
        )
        try:
            found = InRedis(f"redis://127.0.0.1:{port}/0")
            while not answers(found):
                time.sleep(0.1)
            yield found
        finally:
            running.terminate()
            running.wait()


def answers(found: InRedis) -> bool:
    try:
        return bool(found.client.ping())
    except redis.ConnectionError:
        return False


def consumed(found: Queue, campaign: str, batch: str, messages: int) -> dict[str, Any]:
    """Feed a consumer so many messages, and hear from it how that went."""
    consumer = subprocess.Popen(
        [sys.executable, "-c", CONSUMER, found.url, campaign, str(messages)],
        stdout=subprocess.PIPE,
    )
    for start in range(0, messages, AT_ONCE):
        while found.waiting() >= AT_ONCE and consumer.poll() is None:
            time.sleep(0.05)
        end = min(start + AT_ONCE, messages)
        found.send([message(batch, n) for n in range(start, end)])
    said, _ = consumer.communicate()
    done: dict[str, Any] = json.loads(said)
    return done


def message(batch: str, n: int) -> str:
    """One in a hundred repeats what was before it, one in a hundred is no event."""
    body: dict[str, Any] = {
        "event_id": f"{batch}-{n - (n % 100 == 50)}",
        "name": "page_viewed",
        "participant": {"external_id": f"first-{n * 7919 % PEOPLE}"},
        "properties": {"path": f"/shop/{n}"},
    }
    return json.dumps([] if n % 100 == 99 else body)


def work() -> None:
    """What `manage.py consume` does, until it has had so many messages."""
    url, campaign, messages = sys.argv[1:]
    consumer = Consumer(broker_of(url, QUEUE), road_of(QUEUE, campaign, None))
    tally, start = consumer.tally, time.perf_counter()
    consumer.run(lambda: tally.recorded + tally.known + tally.refused >= int(messages))
    done = {
        "seconds": time.perf_counter() - start,
        "peak_mb": peak_mb(),
        "tally": str(tally),
    }
    sys.stdout.write(json.dumps(done))
