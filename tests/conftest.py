import os
from collections.abc import Iterator

import pytest
from django.conf import settings

from referral_factory.access.limits import forget_callers
from referral_factory.embedded import SERVER
from referral_factory.lanes import hang_up

UNWANTED = ["skipped", "xfailed", "xpassed", "deselected"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
) -> Iterator[None]:
    """Have the embedded PostgreSQL up before the test database is made in it."""
    if settings.DATABASE_URL:
        yield
        return
    with SERVER.in_use():
        yield


@pytest.fixture(scope="session", autouse=True)
def _lanes(django_db_setup: None) -> Iterator[None]:
    """Nobody is connected to the test database when it is dropped."""
    yield
    hang_up()


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """Every test may use the database; a project like this has few that do not."""


@pytest.fixture(autouse=True)
def _strangers() -> None:
    """Nobody has called before: the rows of earlier tests are gone as well."""
    forget_callers()


def not_run(config: pytest.Config) -> int:
    """How many tests did not run, or did not count."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    return sum(len(reporter.stats.get(kind, [])) for kind in UNWANTED)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With FAIL_ON_SKIP=1, as in .ci/run, a test that did not run is a failure."""
    if os.environ.get("FAIL_ON_SKIP") == "1" and not_run(session.config):
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(config: pytest.Config) -> None:
    if os.environ.get("FAIL_ON_SKIP") == "1" and (count := not_run(config)):
        reporter = config.pluginmanager.getplugin("terminalreporter")
        reporter.write_line(f"FAIL_ON_SKIP=1: {count} tests did not run", red=True)
