"""The demo as a process of its own, against a whole system that a test started."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.systems import System, clean_environment

ROOT = Path(__file__).resolve().parent.parent.parent
LOG = ROOT / "demo" / "cdnow_purchases.txt"
LONGEST = 900  # seconds: a busy machine plays slowly

Numbers = dict[str, tuple[int | None, int | None, int | None]]


@dataclass(frozen=True)
class Run:
    """How a demo ended: its exit code, what it printed, and its numbers."""

    code: int
    output: str
    numbers: Numbers

    def differing(self) -> set[str]:
        return {
            name for name, each in self.numbers.items() if len({*each} - {None}) > 1
        }

    def system(self, name: str) -> int | None:
        return self.numbers[name][1]

    def oracle(self, name: str) -> int | None:
        return self.numbers[name][2]


def start(
    system: System, folder: Path, lines: list[str], *options: str
) -> "subprocess.Popen[str]":
    log = folder / "log.txt"
    log.write_text("\n".join(lines) + "\n")
    environment = {**clean_environment(), "STATE_DIR": str(system.state)}
    return subprocess.Popen(
        [sys.executable, "-m", "demo", str(log), *_json(folder), *options],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: "subprocess.Popen[str]", folder: Path) -> Run:
    try:
        output, _ = process.communicate(timeout=LONGEST)
    finally:
        process.kill()
    written = Path(_json(folder)[1])
    assert written.exists(), output
    return Run(process.returncode, output, json.loads(written.read_text()))


def play(system: System, folder: Path, lines: list[str], *options: str) -> Run:
    folder.mkdir()
    return finish(start(system, folder, lines, *options), folder)


def _json(folder: Path) -> list[str]:
    return ["--json", str(folder / "numbers.json")]
