"""All races: every module here that has some lists them in RACES."""

import importlib
import pkgutil
from collections.abc import Callable

import tests.races

MODULES = [
    importlib.import_module(f"tests.races.{found.name}")
    for found in pkgutil.iter_modules(tests.races.__path__)
    if not found.name.startswith("test_") and found.name != "every"
]
RACES: list[Callable[[], None]] = [
    race for module in MODULES for race in getattr(module, "RACES", [])
]
