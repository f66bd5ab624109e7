"""`make demo`: plays a shop's eighteen months against the running system."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import urllib3
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from urllib3.exceptions import HTTPError

from demo import oracle, totals
from demo.backend import Backend, Refused
from demo.player import Player, TooSlow
from demo.queues import NoQueue, Queue, queue_called
from demo.receiver import Receiver
from demo.script import Day, Script

HERE = Path(__file__).resolve().parent
LOG = HERE / "cdnow_purchases.txt"
LONGEST_DELIVERY = 300.0  # seconds until the last message must have arrived
WHERE = "Some events come by a signed webhook, some by a queue in {}."
NO_QUEUE = "Some events come by a signed webhook. There is no queue beside RF_URL."
NOT_RUNNING = "Nothing answers at {}. Run `make run` first, in another terminal."


class CannotStart(Exception):
    """What is missing, and what to do about it."""


def main() -> int:
    options = parser().parse_args()
    console = Console(highlight=False)
    try:
        lines = options.log.read_text().splitlines()[: options.purchases]
        rows = Demo(console, lines, forget=options.forget).play()
    except (CannotStart, NoQueue, Refused, TooSlow, HTTPError) as error:
        console.print(str(error), style="bold red")
        return 1
    if options.json:
        numbers = {row.name: (row.demo, row.system, row.oracle) for row in rows}
        options.json.write_text(json.dumps(numbers))
    return 0 if all(row.agrees for row in rows) else 1


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    found.add_argument("log", nargs="?", type=Path, default=LOG)
    found.add_argument(
        "--purchases",
        type=int,
        default=int(os.environ.get("PURCHASES") or 0) or None,
        help="play only so many lines of the log",
    )
    found.add_argument(
        "--forget",
        type=int,
        default=0,
        metavar="N",
        help="lose the Nth message on purpose: the totals must show it",
    )
    found.add_argument("--json", type=Path, help="write the numbers to this file, too")
    return found


class Demo:
    """One run: what it plays, where, and what it says meanwhile."""

    def __init__(self, console: Console, lines: list[str], *, forget: int = 0) -> None:
        self.console, self.forget = console, forget
        self.lines = lines
        self.url, key = system()
        refuse_unless_running(self.url)
        self.owner = Backend(self.url, key)
        self.script = Script(lines)

    def play(self) -> list[totals.Row]:
        start = time.monotonic()
        with Receiver(forget=self.forget) as receiver, queue_beside() as queue:
            player = Player(self.owner, self.script, receiver, queue)
            with closing(player):
                rows = self.play_it(player, receiver)
        self.report(player, rows, time.monotonic() - start)
        return rows

    def play_it(self, player: Player, receiver: Receiver) -> list[totals.Row]:
        player.set_up(self.url)
        queue = player.queue
        self.console.print(WHERE.format(queue.where) if queue else NO_QUEUE)
        self.go_through_days(player)
        player.stop_queue()
        with player.timed("waiting for the last messages"):
            self.wait_for_messages(player, receiver)
        with player.timed("reading what the system says"):
            by_system = self.read(player)
        with player.timed("asking the oracle"):
            by_oracle = oracle.totals(self.lines)
        player.clean_up()
        by_demo = totals.by_demo(player, receiver)
        if not queue:
            del by_demo["events by queue"], by_oracle["events by queue"]
        return totals.compare(by_demo, by_system, by_oracle)

    def go_through_days(self, player: Player) -> None:
        with self.progress("Playing") as bar:
            task = bar.add_task("", total=len(self.script.days))

            def tell(day: Day) -> None:
                bar.update(task, advance=1, description=f"{day.date:%B %Y}")

            player.play(tell)

    def wait_for_messages(self, player: Player, receiver: Receiver) -> None:
        """Until the system has nothing more to deliver."""
        path = f"/endpoints/{player.campaign.endpoint}/deliveries"
        deadline = time.monotonic() + LONGEST_DELIVERY
        with self.progress("Receiving") as bar:
            task = bar.add_task("messages", total=None)
            while self.owner.get(path, status="pending", limit="1")["results"]:
                bar.update(task, completed=receiver.count)
                if time.monotonic() > deadline:
                    raise TooSlow("Messages are outstanding. Is a dispatcher running?")
                time.sleep(0.2)

    def read(self, player: Player) -> dict[str, int]:
        with self.progress("Reading") as bar:
            bar.add_task("what the system says", total=None)
            return totals.by_system(self.owner, player.campaign.id)

    def report(self, player: Player, rows: list[totals.Row], seconds: float) -> None:
        self.console.print(totals.table(rows))
        for what, spent in player.seconds.items():
            self.console.print(f"{spent:8.1f} s  {what}")
        self.console.print(f"{seconds:8.1f} s  in all\n")
        differing = sum(not row.agrees for row in rows)
        if differing:
            self.console.print(f"{differing} numbers differ.", style="bold red")
            return
        self.console.print(
            "All numbers agree. See what came of it:\n\n"
            f"  Dashboard      {self.url}/dashboard/?campaign={player.campaign.id}\n"
            f"  Review queue   {self.url}/admin/rewards/flaggedreward/\n"
            f"  Campaign       {player.campaign.slug}",
            soft_wrap=True,
        )

    @contextmanager
    def progress(self, what: str) -> Iterator[Progress]:
        columns = (
            TextColumn(what),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
        )
        with Progress(*columns, console=self.console) as bar:
            yield bar


@contextmanager
def queue_beside() -> Iterator[Queue | None]:
    """A queue, where the system is on this machine: its consumer needs the database."""
    if os.environ.get("RF_URL"):
        yield None
        return
    with queue_called(f"demo_{uuid4().hex[:8]}") as queue:
        yield queue


def system() -> tuple[str, str]:
    """Where the system is, and a key to it: as told, or as `make run` left it."""
    url, key = os.environ.get("RF_URL"), os.environ.get("RF_KEY")
    if url and key:
        return url.rstrip("/"), key
    state = Path(os.environ.get("STATE_DIR") or HERE.parent / "var")
    try:
        known = json.loads((state / "run.json").read_text())
    except FileNotFoundError as error:
        raise CannotStart("No system is known. Run `make run` first.") from error
    return known["url"], known["keys"]["test"]


def refuse_unless_running(url: str) -> None:
    try:
        urllib3.request("GET", f"{url}/readyz", retries=False, timeout=10)
    except HTTPError as error:
        raise CannotStart(NOT_RUNNING.format(url)) from error


if __name__ == "__main__":
    sys.exit(main())
