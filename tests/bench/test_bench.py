"""The bench runs, and says what it should. How quick anything is, no test judges."""

import json
import os
import subprocess
import sys
from pathlib import Path

from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent


def run(results: Path, only: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ,
        "ONLY": only,
        "BENCH_SECONDS": "0.3",
        "BENCH_RESULTS": str(results),
    }
    return subprocess.run(
        [sys.executable, "-m", "bench"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def databases() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE '%bench%'")
        return {name for (name,) in cursor.fetchall()}


def test_a_figure_comes_with_its_limit_rounds_and_code(tmp_path: Path) -> None:
    before = databases()

    done = run(tmp_path / "results.json", "redirect,participant_read")

    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["machine"]["synchronous_commit"] == "on"
    for line, (name, figure) in zip(
        done.stdout.splitlines(), found["figures"].items(), strict=True
    ):
        assert line.startswith(f"{name} ")
        assert figure["ratio"] == figure["value"] / figure["limit"] > 0
        assert [len(figure["details"][who]) for who in ("ours", "limit")] == [5, 5]
        assert all(one["p50"] <= one["p99"] for one in figure["details"]["ours"])
        assert "cursor.execute(" in figure["details"]["limit_code"]
    assert databases() <= before


def test_an_unknown_figure_is_named(tmp_path: Path) -> None:
    done = run(tmp_path / "results.json", "nonsense")

    assert done.returncode != 0
    assert "No figure is called nonsense" in done.stderr
