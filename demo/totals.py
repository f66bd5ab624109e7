"""What the system says, and whether all agree."""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from demo.backend import Backend
from demo.player import Player
from demo.receiver import Receiver

LISTS = ("participants", "referrals", "events", "rewards", "messages")
# How the system calls the roads that are not its API: src_..., queue:...
SOURCES = {"src_": "webhook", "queu": "queue"}
PLAYED = (
    "participants",
    "clicks",
    "referrals",
    "events",
    "event duplicate",
    "events by webhook",
    "events by queue",
    "advocate rewards issued",
    "friend rewards issued",
    "issued, in cents",
)


@dataclass(frozen=True)
class Row:
    """One number as each of them has it; None where they cannot know."""

    name: str
    demo: int | None
    system: int | None
    oracle: int | None

    @property
    def agrees(self) -> bool:
        known = {self.demo, self.system, self.oracle} - {None}
        return len(known) <= 1


def compare(
    demo: dict[str, int], system: dict[str, int], oracle: dict[str, int]
) -> list[Row]:
    """A row for each name that the oracle knows, or anybody has a number for.

    What the system or the oracle has no number for is 0, but for what only the demo
    can know.
    """
    only_demo = {"event duplicate", *RECEIVED}
    names = [*oracle, *sorted((set(system) | set(demo)) - set(oracle))]
    return [
        Row(
            name,
            demo.get(name),
            None if name in only_demo else system.get(name, 0),
            oracle.get(name, 0),
        )
        for name in names
    ]


RECEIVED = ("messages without a valid signature", "objects with a message missing")


def by_demo(player: Player, receiver: Receiver) -> dict[str, int]:
    """What was sent, and what was received."""
    sent = {name: player.sent[name] for name in PLAYED}
    received = {f"message {name}": count for name, count in receiver.types.items()}
    odd = dict(zip(RECEIVED, (receiver.invalid, receiver.gaps()), strict=True))
    return {**sent, **received, **odd}


def by_system(owner: Backend, campaign: str) -> dict[str, int]:
    """What the API's lists say of the campaign."""

    def read(name: str) -> list[dict[str, Any]]:
        return list(owner.every(f"/{name}", campaign=campaign))

    with ThreadPoolExecutor(len(LISTS)) as threads:
        participants, referrals, events, rewards, messages = threads.map(read, LISTS)
    seen: Counter[str] = Counter(
        participants=len(participants), referrals=len(referrals), events=len(events)
    )
    seen["clicks"] = sum(each["counts"]["clicks"] for each in participants)
    seen.update(f"referrals {each['status']}" for each in referrals)
    seen.update(f"event {each['outcome']}" for each in events)
    seen.update(
        f"events by {SOURCES[prefix]}"
        for each in events
        if (prefix := each["source"][:4]) in SOURCES
    )
    seen.update(f"message {each['type']}" for each in messages)
    count_rewards(rewards, seen)
    return dict(seen)


def count_rewards(rewards: Iterable[dict[str, Any]], seen: Counter[str]) -> None:
    for reward in rewards:
        seen[f"{reward['side']} rewards {reward['status']}"] += 1
        seen.update(f"flagged: {reason['code']}" for reason in reward["reasons"])
        if reward["status"] == "issued":
            seen["issued, in cents"] += int(reward["amount"].replace(".", ""))
            seen["issued rewards disputed"] += reward["disputed_at"] is not None


def table(rows: Iterable[Row]) -> Table:
    shown = Table(title="What came of it", title_justify="left")
    shown.add_column("", no_wrap=True)
    for column in ("demo", "system", "oracle"):
        shown.add_column(column, justify="right")
    shown.add_column("")
    for row in rows:
        numbers = [as_text(number) for number in (row.demo, row.system, row.oracle)]
        shown.add_row(
            row.name,
            *numbers,
            "" if row.agrees else "differs",
            style="" if row.agrees else "bold red",
        )
    return shown


def as_text(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
