"""`make bench`: every figure beside its limit, one line each, and all of it as JSON."""

import importlib
import json
import os
import pkgutil
import platform
import sys
from dataclasses import asdict
from pathlib import Path

import bench
from bench.figures import FIGURES, Figure

RESULTS = Path(__file__).parent / "results.json"


def wanted() -> list[str]:
    """The names in ONLY, or all."""
    only = [name for name in os.environ.get("ONLY", "").split(",") if name]
    if unknown := set(only) - set(FIGURES):
        sys.exit(f"No figure is called {', '.join(unknown)}. There are: {known()}")
    return only or list(FIGURES)


def known() -> str:
    return ", ".join(sorted(FIGURES)) or "none yet"


def line(name: str, figure: Figure) -> str:
    of = figure.of.replace(" ", "-")
    return f"{name} {figure.value:.4g} {figure.unit} ratio={figure.ratio:.3g} of={of}"


def measure(names: list[str]) -> dict[str, object]:
    results: dict[str, object] = {}
    for name in names:
        figure = FIGURES[name]()
        sys.stdout.write(line(name, figure) + "\n")
        sys.stdout.flush()
        results[name] = {**asdict(figure), "ratio": figure.ratio}
    return results


def main() -> None:
    for module in pkgutil.iter_modules(bench.__path__, "bench."):
        if module.name != "bench.__main__":
            importlib.import_module(module.name)
    names = wanted()
    if not names:
        sys.stdout.write("There are no figures yet.\n")
    machine = {"python": platform.python_version(), "cores": os.cpu_count()}
    found = {"machine": machine, "figures": measure(names)}
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
