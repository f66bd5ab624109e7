"""The whole flow on a short log: the system and the oracle end equal, and would not
if anything were lost."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.backend import Backend
from demo.oracle import totals
from tests.demo.runs import LOG, Run, play
from tests.systems import System, whole_system

LINES = LOG.read_text().splitlines()[:120]
QUALIFIED = "message referral.qualified"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with whole_system(tmp_path_factory.mktemp("demo") / "var") as system:
        yield system


@pytest.fixture(scope="module")
def as_it_is(system: System, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return play(system, tmp_path_factory.mktemp("demo") / "as_it_is", LINES)


def test_the_whole_flow_ends_with_equal_totals(as_it_is: Run) -> None:
    assert as_it_is.code == 0, as_it_is.output
    assert "All numbers agree" in as_it_is.output
    for name in ("participants", "referrals qualified", "message reward.issued"):
        assert as_it_is.system(name), name


def test_the_rules_as_they_were_make_no_difference(
    system: System, as_it_is: Run
) -> None:
    """A backtest of nothing else, over all that the demo has done to its campaign."""
    owner = Backend(system.known["url"], system.known["keys"]["test"])
    campaigns = owner.get("/campaigns", limit="200")["results"]
    (demo,) = [each for each in campaigns if each["slug"].startswith("demo-")][:1]

    asked = owner.post(f"/campaigns/{demo['id']}/backtest", {})

    result = asked["result"]
    assert (asked["status"], result["changed"]) == ("done", 0)
    assert result["really"] == result["tried"]
    assert result["qualified"]["really"] > 0
    assert [each["difference"] for each in result["cost"]] == ["0.00"]


def test_one_changed_line_changes_both_totals(
    system: System, as_it_is: Run, tmp_path: Path
) -> None:
    changed = play(system, tmp_path / "changed", spoilt(LINES))
    assert changed.code == 0, changed.output
    for numbers in (Run.system, Run.oracle):
        before, after = (numbers(run, QUALIFIED) for run in (as_it_is, changed))
        assert after != before


def test_one_dropped_delivery_makes_the_comparison_fail(
    system: System, tmp_path: Path
) -> None:
    dropped = play(system, tmp_path / "dropped", LINES, "--forget", "40")
    assert dropped.code == 1
    assert dropped.differing()
    assert all("message" in name for name in dropped.differing())
    assert "differs" in dropped.output


def spoilt(lines: list[str]) -> list[str]:
    """The log, but a friend whose one purchase made their referral count buys less."""
    before = totals(lines)[QUALIFIED]
    for number, line in enumerate(lines):
        other = [*lines]
        other[number] = re.sub(r"\S+$", "1.00", line)
        if totals(other)[QUALIFIED] != before:
            return other
    raise AssertionError("No line matters.")
