"""The plan of the house, as a test: who may import whom, and what is called what."""

import ast
from collections.abc import Iterator
from pathlib import Path

from referrals import signals as referral_signals

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ["referral_factory", "referrals", "rewards", "webhooks"]

LAYERS = ["leaves", "access", "referrals", "rewards", "webhooks", "project"]
# Modules of the project's folder that compose the apps, or run them. Whatever else is
# there, access apart, is a leaf: it knows nothing of the apps above it.
COMPOSERS = {
    "api",
    "asgi",
    "backtests",
    "celery",
    "example",
    "health",
    "mail",
    "management",
    "navigation",
    "pages",
    "reporting",
    "settings",
    "urls",
    "wsgi",
}
DOORS = {"api", "views", "admin", "tasks", "receivers", "management"}
NOT_UNDERSTOOD = {
    "core",
    "common",
    "utils",
    "helpers",
    "managers",
    "mixins",
    "selectors",
}
LONGEST = 400


def all_modules() -> Iterator[str]:
    """Every module of ours, dotted; tests, migrations and the bench are none."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "migrations" not in parts:
                yield ".".join(parts)


MODULES = list(all_modules())


def path_of(module: str) -> Path:
    return (ROOT / module.replace(".", "/")).with_suffix(".py")


def imports_of(module: str) -> set[str]:
    """The modules of ours that it imports, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path_of(module).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {_full_name(node.module, alias.name) for alias in node.names}
    return {name for name in found if name.partition(".")[0] in FOLDERS}


def _full_name(package: str, name: str) -> str:
    inner = f"{package}.{name}"
    is_module = path_of(inner).exists() or (ROOT / inner.replace(".", "/")).is_dir()
    return inner if is_module else package


def layer_of(module: str) -> str:
    app, *inner = module.split(".")
    if app != "referral_factory":
        return app
    if inner[:1] == ["access"]:
        return "access"
    return "project" if inner and inner[0] in COMPOSERS else "leaves"


def door_of(module: str) -> str | None:
    """The kind of door that a module is, if it is one."""
    app, *inner = module.split(".")
    if app == "referral_factory" and inner[:1] != ["access"]:
        return None  # the project composes doors; it has none of its own to protect
    return inner[0] if len(inner) == 1 and inner[0] in DOORS else _package(inner)


def _package(inner: list[str]) -> str | None:
    inner = inner[1:] if inner[:1] == ["access"] else inner
    return inner[0] if inner and inner[0] in DOORS else None


def test_imports_point_one_way() -> None:
    wrong = {
        module: above for module in MODULES if (above := _imported_from_above(module))
    }
    assert wrong == {}


def _imported_from_above(module: str) -> set[str]:
    height = LAYERS.index(layer_of(module))
    return {
        name for name in imports_of(module) if LAYERS.index(layer_of(name)) > height
    }


def test_nothing_but_the_project_and_apps_imports_doors() -> None:
    wrong = {
        module: doors
        for module in MODULES
        if layer_of(module) != "project" and not module.endswith(".apps")
        if (doors := _foreign_doors(module))
    }
    assert wrong == {}


def _foreign_doors(module: str) -> set[str]:
    """The doors that it imports, but for the other modules of its own package."""
    door = door_of(module)
    own = f"{module.partition('.')[0]}.{door}." if door else "-"
    doors = {name for name in imports_of(module) if door_of(name)}
    return {name for name in doors if not f"{name}.".startswith(own)}


def test_models_know_nothing_of_services() -> None:
    models = [module for module in MODULES if "models" in module.split(".")]
    assert not [
        module
        for module in models
        if any(".services" in name for name in imports_of(module))
    ]


def test_no_module_bears_a_name_that_says_nothing() -> None:
    assert not [name for name in MODULES if NOT_UNDERSTOOD & set(name.split("."))]


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {name: len(path_of(name).read_text().splitlines()) for name in MODULES}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_messages_are_recorded_before_rewards_are_granted() -> None:
    listeners = [
        identity
        for (identity, _sender), *_ in referral_signals.referral_qualified.receivers
    ]
    assert listeners == ["webhooks.referral.qualified", "rewards.grant"]
