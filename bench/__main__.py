"""`make bench`: every figure beside its limit, one line each, and all of it as JSON.

ONLY=name,name measures those alone; BENCH_SECONDS is how long one round takes, of five;
BENCH_RESULTS is where the JSON goes. How to write a figure: see servers.py.
"""

import importlib
import json
import os
import pkgutil
import platform
import signal
import sys
from dataclasses import asdict
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connection, connections

import bench
from bench.database import own_database
from bench.figures import FIGURES, Figure

RESULTS = Path(
    os.environ.get("BENCH_RESULTS") or Path(__file__).parent / "results.json"
)
DURABILITY = ("server_version", "fsync", "synchronous_commit", "full_page_writes")


def wanted() -> list[str]:
    """The names in ONLY, or all."""
    only = [name for name in os.environ.get("ONLY", "").split(",") if name]
    if unknown := set(only) - set(FIGURES):
        sys.exit(f"No figure is called {', '.join(unknown)}. There are: {known()}")
    return only or list(FIGURES)


def known() -> str:
    return ", ".join(sorted(FIGURES)) or "none yet"


def line(name: str, figure: Figure) -> str:
    unit, of = figure.unit.replace(" ", "-"), figure.of.replace(" ", "-")
    notes = "".join(f" {note}={value}" for note, value in figure.notes.items())
    return (
        f"{name} {figure.value:.4g} {unit} ratio={figure.ratio:.3g} of={of}"
        f" limit={figure.limit:.4g}{notes}"
    )


def measure(names: list[str]) -> dict[str, object]:
    results: dict[str, object] = {}
    for name in names:
        figure = FIGURES[name]()
        sys.stdout.write(line(name, figure) + "\n")
        sys.stdout.flush()
        results[name] = {**asdict(figure), "ratio": figure.ratio}
    return results


def machine() -> dict[str, object]:
    """What the figures were measured on, and how busy it was before."""
    load = [round(number, 2) for number in os.getloadavg()]
    found: dict[str, object] = {"load": load, "cores": os.cpu_count()}
    found["python"] = platform.python_version()
    with connection.cursor() as cursor:
        for name in DURABILITY:
            cursor.execute(f"SHOW {name}")
            found[name] = cursor.fetchone()[0]
    return found


def set_up() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "referral_factory.settings"
    os.environ.setdefault("WEBHOOKS_ALLOW_LOOPBACK", "1")  # nobody listens there
    django.setup()
    for module in pkgutil.iter_modules(bench.__path__, "bench."):
        if module.name != "bench.__main__":
            importlib.import_module(module.name)


def main() -> None:
    # SIGTERM unwinds us as Ctrl-C does: nothing that we started stays behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with own_database():
        set_up()
        names = wanted()
        call_command("migrate", verbosity=0)
        found = {"machine": machine(), "figures": measure(names)}
        RESULTS.write_text(json.dumps(found, indent=2) + "\n")
        connections.close_all()


if __name__ == "__main__":
    main()
