"""The oracle's word counts only if it is its own."""

import ast
import re
import sys
from pathlib import Path

from demo import oracle, script, totals

HERE = Path(oracle.__file__).parent
README = (HERE / "README.md").read_text()
LINES = (HERE / "cdnow_purchases.txt").read_text().splitlines()
WORDS = {"all of it": "all", "half of it": "half"}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).partition(".")[0])
    return found


def test_oracle_imports_the_standard_library_and_nothing_else() -> None:
    assert imports(HERE / "oracle.py") <= sys.stdlib_module_names


def test_demo_imports_nothing_of_the_product() -> None:
    ours = {"referral_factory", "referrals", "rewards", "webhooks", "django"}
    for path in HERE.glob("*.py"):
        assert not imports(path) & ours, path.name


def test_only_the_comparison_knows_the_oracle() -> None:
    users = [p.name for p in HERE.glob("*.py") if "oracle" in names_used(p)]
    assert users == ["__main__.py"]


def names_used(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in imported for alias in node.names}


def test_readme_tells_the_same_refunds_as_the_script() -> None:
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \| (\d+) days \|$", README, re.M)
    told = {
        int(remainder): (int(days), WORDS.get(what.split(",")[0], "unnamed"))
        for remainder, what, days in rows
    }
    assert told == script.REFUNDS


def test_all_that_is_compared_occurs_in_the_whole_log() -> None:
    found = oracle.totals(LINES)
    faults = set(totals.RECEIVED)
    approved = {
        "advocate rewards approved",
        "friend rewards approved",
    }  # all are issued
    assert {name for name, n in found.items() if not n} == faults | approved
    assert found["participants"] == 2357


def test_whole_log_has_what_makes_it_worth_playing() -> None:
    assert len(LINES) == 6919
    assert len(LINES) - len(set(LINES)) == 21
    assert sum(line.endswith(" 0.00") for line in LINES) == 8


def test_one_changed_line_changes_the_oracle() -> None:
    changed = [*LINES]
    changed[0] = changed[0].replace("29.33", "29.34")
    assert oracle.totals(changed) == oracle.totals(LINES)  # an advocate's: no matter
    friend = next(i for i, line in enumerate(LINES) if line.split()[1] == "0500")
    changed[friend] = re.sub(r"\S+$", "1.00", changed[friend])
    assert oracle.totals(changed) != oracle.totals(LINES)


def test_rows_differ_as_soon_as_one_number_does() -> None:
    demo, system = {"clicks": 2}, {"clicks": 2, "messages": 5}
    good = {"clicks": 2, "messages": 5}
    assert all(row.agrees for row in totals.compare(demo, system, good))
    for name in good:
        bad = totals.compare(demo, system, {**good, name: 1})
        assert [row.name for row in bad if not row.agrees] == [name]


def test_what_only_the_system_has_differs_from_nothing() -> None:
    (row,) = totals.compare({}, {"referrals lost": 1}, {})
    assert not row.agrees
