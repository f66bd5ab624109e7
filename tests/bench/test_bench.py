"""The bench runs, and says what it should. How quick anything is, no test judges."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Done:
    pid: int
    code: int
    said: str
    complained: str


def run(results: Path, only: str) -> Done:
    environment = {
        **os.environ,
        "ONLY": only,
        "BENCH_SECONDS": "0.3",
        "BENCH_RESULTS": str(results),
    }
    bench = subprocess.Popen(
        [sys.executable, "-m", "bench"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said, complained = bench.communicate(timeout=120)
    return Done(bench.pid, bench.returncode, said, complained)


def has_database(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return cursor.fetchone() is not None


def test_a_figure_comes_with_its_limit_rounds_and_code(tmp_path: Path) -> None:
    done = run(tmp_path / "results.json", "redirect")

    assert done.code == 0, done.complained
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["machine"]["synchronous_commit"] == "on"
    for line, (name, figure) in zip(
        done.said.splitlines(), found["figures"].items(), strict=True
    ):
        assert line.startswith(f"{name} ")
        assert figure["ratio"] == figure["value"] / figure["limit"] > 0
        assert [len(figure["details"][who]) for who in ("ours", "limit")] == [5, 5]
        assert all(one["p50"] <= one["p99"] for one in figure["details"]["ours"])
        assert "cursor.execute(" in figure["details"]["limit_code"]
    assert not has_database(f"referral_factory_bench_{done.pid}")


def test_an_unknown_figure_is_named(tmp_path: Path) -> None:
    done = run(tmp_path / "results.json", "nonsense")

    assert done.code != 0
    assert "No figure is called nonsense" in done.complained
