"""A real browser in front of a real server, for the pages that people see.

`page` is logged in as a member of staff and fails its test when the browser saw an
error, or asked anybody but us for anything. `accessible` fails on what axe finds.
"""

import os
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Request,
    ViewportSize,
    sync_playwright,
)
from pytest_django.live_server_helper import LiveServer

from tests.programs import chromium

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
WIDE: ViewportSize = {"width": 1440, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    # Playwright's event loop runs in this thread, and Django takes that for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium()), args=FLAGS
        )
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def staff() -> User:
    """Somebody who may do everything."""
    return User.objects.create_superuser("ana")  # without a password: hashing is slow


class Complaints(list[str]):
    """What went wrong in the browser, in its own words."""

    def listen_to(self, page: Page, home: str) -> None:
        page.on("pageerror", lambda error: self.append(f"script: {error}"))
        page.on(
            "console",
            lambda said: (
                self.append(f"console: {said.text} {said.location['url']}")
                if said.type in {"error", "warning"}
                else None
            ),
        )
        page.on("request", lambda request: self._look_at(request, home))

    def _look_at(self, request: Request, home: str) -> None:
        if not request.url.startswith((home, "data:", "blob:")):
            self.append(f"another host: {request.url}")


@pytest.fixture
def complaints() -> Complaints:
    """Clear it in a test that provokes an error on purpose."""
    return Complaints()


@pytest.fixture
def context(browser: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=live_server.url, viewport=WIDE)
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def visitor(
    context: BrowserContext, live_server: LiveServer, complaints: Complaints
) -> Iterator[Page]:
    """A page of somebody who is not logged in."""
    page = context.new_page()
    complaints.listen_to(page, live_server.url)
    yield page
    assert complaints == []


@pytest.fixture
def page(
    context: BrowserContext, live_server: LiveServer, visitor: Page, staff: User
) -> Page:
    """A page of `staff`, logged in without the detour over the form."""
    client = Client()
    client.force_login(staff)
    cookie = client.cookies["sessionid"].value
    context.add_cookies(
        [{"name": "sessionid", "value": cookie, "url": live_server.url}]
    )
    return visitor


@pytest.fixture
def accessible() -> Callable[[Page], None]:
    """Fails when axe finds anything wrong with the page as it stands."""

    def check(page: Page) -> None:
        found = Axe().run(page).response["violations"]
        assert [_finding(violation) for violation in found] == []

    return check


def _finding(violation: dict[str, object]) -> str:
    nodes = violation["nodes"]
    assert isinstance(nodes, list)
    places = "; ".join(str(node["html"])[:200] for node in nodes[:5])
    return f"{violation['id']} ({len(nodes)}x): {violation['help']}: {places}"
