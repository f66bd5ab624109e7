"""rf.js on a page of somebody else's: another origin, a real browser, a whole visit."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from referrals.models import Click, Participant
from tests.factories import make_campaign, make_participant

SCRIPT = Path(__file__).resolve().parent.parent.parent / "static" / "rf.js"
# The browser of the tests calls itself a robot, whose visits are no clicks.
PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
PAGE = """<!doctype html><title>Shop</title><link rel="icon" href="data:,">
<script src="{script}" {options} defer></script>
<form action="/signed-up"><input type="hidden" name="ref">
<input type="hidden" name="rf_click"><input name="email" value="bob@shop.example">
<button>Join</button></form>"""


class Shop(ThreadingHTTPServer):
    """Every address of it is the same page, but for what a test changes."""

    script = ""
    options = 'data-days="30"'
    frame = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def html(self, path: str) -> str:
        if path.startswith("/framed"):
            source = path.replace("/framed", "/welcome")
            sandbox = 'sandbox="allow-scripts allow-forms"'
            return f'<link rel="icon" href="data:,"><iframe {sandbox} src="{source}">'
        return PAGE.format(script=self.script, options=self.options)


class Answering(BaseHTTPRequestHandler):
    server: Shop

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.server.html(self.path).encode())

    def log_message(self, *_: Any) -> None:
        """In silence."""


@pytest.fixture
def shop(live_server: LiveServer) -> Iterator[Shop]:
    server = Shop(("127.0.0.1", 0), Answering)
    server.script = f"{live_server.url}/static/rf.js"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(user_agent=PERSON)
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def tab(context: BrowserContext) -> Iterator[Page]:
    """A tab that fails its test where a script or the console complains."""
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "console",
        lambda line: said.append(line.text) if line.type == "error" else None,
    )
    yield page
    assert said == []


def cookies(context: BrowserContext) -> dict[str, Any]:
    return {str(each.get("name")): each for each in context.cookies()}


def kept(context: BrowserContext) -> dict[str, str]:
    """What rf.js has kept."""
    cookie = cookies(context).get("rf")
    found = parse_qs(unquote(str(cookie["value"]))) if cookie else {}
    return {name: value for name, (value,) in found.items()}


def known(tab: Page) -> tuple[str, str]:
    """What rf.js tells the page's own scripts."""
    found = tab.evaluate("[referralFactory.ref, referralFactory.rf_click]")
    return found[0], found[1]


def sent(tab: Page) -> dict[str, str]:
    """What the form sends."""
    with tab.expect_navigation():
        tab.get_by_role("button").click()
    query = parse_qs(urlsplit(tab.url).query, keep_blank_values=True)
    return {name: value for name, (value,) in query.items() if name != "email"}


def advocate(shop: Shop) -> Participant:
    page = f"{shop.url}/welcome"
    return make_participant(campaign=make_campaign(landing_url=page))


def test_script_is_small() -> None:
    assert len(SCRIPT.read_bytes()) < 2000


def test_a_visit_from_the_link_to_the_form(
    tab: Page,
    context: BrowserContext,
    shop: Shop,
    live_server: LiveServer,
    settings: Settings,
) -> None:
    ann = advocate(shop)

    tab.goto(f"{live_server.url}/r/{ann.code}?utm_source=mail")

    assert tab.url.startswith(f"{shop.url}/welcome?utm_source=mail&ref={ann.code}&")
    click = Click.objects.get()
    brought = {"ref": ann.code, "rf_click": click.public_id}
    assert kept(context) == brought
    assert known(tab) == (ann.code, click.public_id)
    tab.goto(f"{shop.url}/another-page")  # later, by another way
    assert sent(tab) == brought
    connection.close()


def test_first_link_wins(tab: Page, context: BrowserContext, shop: Shop) -> None:
    tab.goto(f"{shop.url}/?ref=ANN&rf_click=clk_1")
    tab.goto(f"{shop.url}/?ref=BOB&rf_click=clk_2")

    assert kept(context) == {"ref": "ANN", "rf_click": "clk_1"}
    assert known(tab) == ("ANN", "clk_1")


def test_a_ref_of_anybodys_gives_way_to_a_click(
    tab: Page, context: BrowserContext, shop: Shop
) -> None:
    tab.goto(f"{shop.url}/?ref=newsletter")
    assert known(tab) == ("newsletter", "")
    tab.goto(f"{shop.url}/?ref=BOB&rf_click=clk_2")
    tab.goto(f"{shop.url}/?ref=newsletter")

    assert kept(context) == {"ref": "BOB", "rf_click": "clk_2"}


def test_cookie_is_first_party_and_for_the_window(
    tab: Page, context: BrowserContext, shop: Shop
) -> None:
    shop.options = 'data-days="7"'
    tab.goto(f"{shop.url}/?ref=ANN&rf_click=clk_1")

    cookie = cookies(context)["rf"]

    assert (cookie["domain"], cookie["path"]) == ("127.0.0.1", "/")
    assert (cookie["sameSite"], cookie["secure"]) == ("Lax", False)
    days = (cookie["expires"] - tab.evaluate("Date.now()") / 1000) / 86_400
    assert 6.9 < days < 7.1


def test_cookie_is_secure_under_https(
    tab: Page, context: BrowserContext, shop: Shop
) -> None:
    context.route(
        "https://shop.example/**",
        lambda route: route.fulfill(
            content_type="text/html", body=PAGE.format(script="/rf.js", options="")
        ),
    )
    context.route(
        "https://shop.example/rf.js", lambda route: route.fulfill(path=SCRIPT)
    )
    tab.goto("https://shop.example/?ref=ANN&rf_click=clk_1")

    assert cookies(context)["rf"]["secure"] is True


@pytest.mark.parametrize(
    "query",
    [
        "",
        "ref=",
        "ref=%22%3E%3Cscript%3E",
        "ref=a%3Bb&rf_click=%0d%0a",
        "ref=" + "x" * 99,
    ],
)
def test_nothing_of_ours_is_not_kept(
    tab: Page, context: BrowserContext, shop: Shop, query: str
) -> None:
    tab.goto(f"{shop.url}/?{query}")

    assert known(tab) == ("", "")
    assert cookies(context) == {}
    assert sent(tab) == {"ref": "", "rf_click": ""}


def test_a_form_that_comes_later_is_filled_when_it_is_sent(
    tab: Page, shop: Shop
) -> None:
    tab.goto(f"{shop.url}/?ref=ANN&rf_click=clk_1")
    tab.evaluate("document.body.innerHTML = document.forms[0].outerHTML")
    tab.evaluate("document.querySelectorAll('[type=hidden]').forEach(i => i.value='')")

    assert sent(tab) == {"ref": "ANN", "rf_click": "clk_1"}


def test_what_a_page_has_filled_in_itself_stays(tab: Page, shop: Shop) -> None:
    tab.goto(f"{shop.url}/?ref=ANN&rf_click=clk_1")
    tab.evaluate("document.querySelector('[name=ref]').value = 'OWN'")

    assert sent(tab) == {"ref": "OWN", "rf_click": "clk_1"}


def test_nothing_is_kept_before_consent(
    tab: Page, context: BrowserContext, shop: Shop
) -> None:
    shop.options = 'data-consent="wait"'
    tab.goto(f"{shop.url}/?ref=ANN&rf_click=clk_1")
    assert cookies(context) == {}
    expect(tab.locator("[name=rf_click]")).to_have_value("clk_1")

    tab.evaluate("referralFactory.keep()")

    assert kept(context) == {"ref": "ANN", "rf_click": "clk_1"}


def test_where_cookies_are_blocked_the_page_itself_still_knows(
    tab: Page, context: BrowserContext, shop: Shop
) -> None:
    tab.goto(f"{shop.url}/framed?ref=ANN&rf_click=clk_1")

    frame = tab.frame_locator("iframe")

    expect(frame.locator("[name=rf_click]")).to_have_value("clk_1")
    assert cookies(context) == {}
