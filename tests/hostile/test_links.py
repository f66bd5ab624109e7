"""Public links under attack: never a 500, never a way to somewhere else."""

from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from tests.hostile.worlds import World, make_world

PARAMETERS = [
    "next=https://evil.example",
    "url=//evil.example&ref=EVIL&rf_click=clk_x",
    "%0d%0aSet-Cookie:%20a=b",
    "x=%0d%0aLocation:%20https://evil.example",
    "%ff=%fe",
    "a=%ed%a0%80",
    "=&&&=;",
    "a[]=1&a[]=2",
    "&".join(f"p{n}=1" for n in range(500)),
    "utm_source=" + "x" * 1900,
    "utm_source=" + "%ff" * 600,
    "x=" + "y" * 50_000,
    "#@evil.example/",
    "%23@evil.example",
]
CODES = [
    "..",
    "%2e%2e%2fadmin",
    "%0d%0aX:1",
    "%ff",
    "%ed%a0%80",
    "\u00df" * 40,
    "' OR 1=1 --",
    "x" * 5000,
    "//evil.example",
    "\u0130",
    "%u0000",
]
HEADERS: list[dict[str, str]] = [
    {"Cookie": "rf_click=" + "x" * 4000},
    {"Cookie": "rf_click=\x01; ; =; a"},
    {"User-Agent": "\xff\xfe" * 400},
    {"User-Agent": ""},
    {"X-Forwarded-For": "'; DROP TABLE--, 1.2.3.4"},
    {"X-Forwarded-Host": "evil.example", "X-Original-URL": "/admin/"},
    {"X-Forwarded-Proto": "https, http"},
    {"Referer": "javascript:alert(1)"},
    {"Sec-Purpose": "\x00prefetch"},
]


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def visitor() -> Client:
    return Client(raise_request_exception=False)


def complaint(answer: Any) -> str | None:
    """What is wrong with where a visitor of our campaign was sent; None if nothing."""
    if answer.status_code != 302:
        return f"status {answer.status_code}"
    place = urlsplit(answer["Location"])
    if (place.scheme, place.netloc) != ("https", "shop.example"):
        return f"leads to {answer['Location'][:100]}"
    if any("\r" in value or "\n" in value for _, value in answer.items()):
        return "a header was injected"
    return None


@pytest.mark.parametrize("query", PARAMETERS, ids=lambda query: query[:30])
def test_no_parameter_leads_elsewhere(
    world: World, visitor: Client, query: str
) -> None:
    answer = visitor.get(f"/r/{world.advocate_code}?{query}")

    assert complaint(answer) is None
    assert f"ref={world.advocate_code}" in answer["Location"]
    assert "ref=EVIL" not in answer["Location"]


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: ascii(headers)[:40])
def test_no_header_leads_elsewhere(
    world: World, visitor: Client, headers: dict[str, str]
) -> None:
    answer = visitor.get(f"/r/{world.advocate_code}", headers=headers)

    assert complaint(answer) is None


@pytest.mark.parametrize("code", CODES, ids=lambda code: ascii(code)[:30])
@pytest.mark.parametrize("after", ["", "/qr.svg"])
def test_an_unknown_code_leads_nowhere(visitor: Client, code: str, after: str) -> None:
    path = code if "%" in code else quote(code, safe="/")

    answer = visitor.get(f"/r/{path}{after}")

    assert answer.status_code in {400, 404}
    assert "Location" not in answer


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_link_is_only_read(world: World, visitor: Client, method: str) -> None:
    answer = getattr(visitor, method)(f"/r/{world.advocate_code}")

    assert answer.status_code == 405


def test_guessing_codes_is_slowed_down(
    world: World, visitor: Client, settings: Settings
) -> None:
    settings.VISIT_LIMIT_PER_MINUTE = 2
    guesses = [visitor.get(f"/r/GUESS{n}").status_code for n in range(3)]

    answer = visitor.get(
        f"/r/{world.advocate_code}", headers={"X-Forwarded-For": "203.0.113.9"}
    )

    assert guesses == [404, 404, 429]
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 60
