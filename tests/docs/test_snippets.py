"""What the documentation shows is taken out of it and run: there are no copies."""

import base64
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import NoReverseMatch, resolve
from django.urls.exceptions import Resolver404
from standardwebhooks import Webhook

from referral_factory.embedded import BASE_DIR
from tests.programs import program
from tests.systems import System, whole_system

README = BASE_DIR / "README.md"
PAGES = [*BASE_DIR.glob("*.md"), *BASE_DIR.glob("docs/*.md")]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
ROUTE = re.compile(r"(?:GET|POST|PATCH|DELETE) (?:/api/v1)?(/[a-z-]+[^\s`?]*)")


def snippets(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)


BY_CURL = [page for page in sorted(PAGES) if page != README and snippets(page, "bash")]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with whole_system(tmp_path_factory.mktemp("readme") / "var") as running:
        yield running


@pytest.fixture(scope="module")
def readme(system: System) -> subprocess.CompletedProcess[str]:
    """What came of all of README's bash, in one shell, on the running system."""
    return run(system, *snippets(README, "bash"))


def run(system: System, *parts: str) -> subprocess.CompletedProcess[str]:
    script = "\n".join(parts).replace("http://127.0.0.1:8000", system.url)
    return subprocess.run(
        [program("bash"), "-euo", "pipefail", "-c", script],
        cwd=system.state.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_first_referral_by_curl_ends_with_an_issued_reward(
    readme: subprocess.CompletedProcess[str],
) -> None:
    assert readme.returncode == 0, readme.stdout + readme.stderr
    assert '"outcome":"qualified"' in readme.stdout
    assert '"status":"issued"' in readme.stdout
    assert '"type":"reward.issued"' in readme.stdout


@pytest.mark.parametrize("page", BY_CURL, ids=lambda page: page.name)
def test_the_examples_of_a_page_run(
    page: Path, system: System, readme: subprocess.CompletedProcess[str]
) -> None:
    """After README's, in a shell with what its first block sets up."""
    given, *_ = snippets(README, "bash")
    (campaign,) = re.findall(r'"id":"(cmp_\w+)","name":"Give 5', readme.stdout)[:1]

    done = run(system, given, f"CAMPAIGN={campaign}", *snippets(page, "bash"))

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_verification_example_takes_ours_and_refuses_others() -> None:
    namespace: dict[str, object] = {}
    (example,) = snippets(BASE_DIR / "docs/webhooks.md", "python")
    exec(example, namespace)  # noqa: S102 - our own page
    receive = namespace["receive"]
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    now = datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", now, '{"a": 1}'),
    }

    assert callable(receive)
    assert receive(secret, b'{"a": 1}', headers) == {"a": 1}
    assert receive(secret, b'{"a": 2}', headers) is None
    assert receive(secret, b'{"a": 1}', {}) is None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_route_that_a_page_names_exists(page: Path) -> None:
    for route in ROUTE.findall(page.read_text()):
        path = re.sub(r"\{[^}]+\}", "x", route).rstrip(".,;:")
        assert exists(f"/api/v1{path}") or exists(path), route


def exists(path: str) -> bool:
    try:
        resolve(path)
    except (Resolver404, NoReverseMatch):
        return False
    return True


def test_every_setting_of_the_environment_is_explained() -> None:
    settings = (BASE_DIR / "referral_factory/settings.py").read_text()
    names = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', settings)) - {"TEST_DATABASE"}
    page = (BASE_DIR / "docs/operations.md").read_text()
    assert names
    assert {name for name in names if f"`{name}`" not in page} == set()


def test_the_diagrams_are_current() -> None:
    call_command("draw", "--check")
