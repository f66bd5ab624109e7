"""Diagrams drawn from the code, so that they cannot be wrong: Mermaid in Markdown."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.apps import apps

from referral_factory.embedded import BASE_DIR
from referral_factory.states import Stateful

PACKAGES = (
    "webhooks",
    "rewards",
    "referrals",
    "referral_factory.mail",
    "referral_factory.pages",
    "referral_factory.api",
    "referral_factory.reporting",
    "referral_factory.access",
)
BLOCK = re.compile(r"(<!-- drawn: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def redraw(text: str) -> str:
    """The text with each `<!-- drawn: NAME -->` block drawn again."""
    return BLOCK.sub(lambda m: f"{m[1]}{_fenced(_draw(m[2]))}{m[3]}", text)


def states(model: type[Stateful]) -> list[str]:
    """A model's state machine, as its TRANSITIONS table says."""
    field = model._meta.get_field("status")
    # Where there is no default, a row begins in any status.
    first = [field.get_default()] if field.has_default() else dict(field.flatchoices)
    lines = ["stateDiagram-v2", *(f"    [*] --> {status}" for status in first)]
    for start, ends in model.TRANSITIONS.items():
        lines += [f"    {start} --> {end}" for end in sorted(map(str, ends))]
    return lines


def imports() -> list[str]:
    """Which of our packages imports which."""
    lines = ["flowchart LR"]
    for package in PACKAGES:
        used = {name for path in _modules(package) for name in _imported(path)}
        lines += [f"    {package} --> {other}" for other in sorted(used - {package})]
    return lines


def _draw(name: str) -> list[str]:
    if name == "imports":
        return imports()
    model = apps.get_model(name)
    assert issubclass(model, Stateful)  # noqa: S101 - the names stand in our own pages
    return states(model)


def _fenced(lines: Sequence[str]) -> str:
    return "\n".join(["```mermaid", *lines, "```", ""])


def _modules(package: str) -> Iterator[Path]:
    for path in (BASE_DIR / package.replace(".", "/")).rglob("*.py"):
        if "migrations" not in path.parts:
            yield path


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            for package in PACKAGES:
                if f"{node.module}.".startswith(f"{package}."):
                    yield package
