"""The example of docs/links.md, taken out of the page."""

from collections.abc import Callable
from typing import Any

import pytest

from referral_factory.embedded import BASE_DIR
from tests.docs.test_snippets import snippets

COOKIE = {"rf": "ref%3DANN%26rf_click%3Dclk_1"}


@pytest.fixture
def referred_by() -> Callable[..., Any]:
    namespace: dict[str, Any] = {}
    (example,) = snippets(BASE_DIR / "docs/links.md", "python")
    exec(example, namespace)  # noqa: S102 - our own page
    found: Callable[..., Any] = namespace["referred_by"]
    return found


@pytest.mark.parametrize(
    ("form", "cookies", "claims"),
    [
        (
            {"ref": "BOB", "rf_click": "clk_2"},
            COOKIE,
            {"click": "clk_2", "code": "BOB"},
        ),
        ({"ref": "", "rf_click": ""}, COOKIE, {"click": "clk_1", "code": "ANN"}),
        ({"ref": "BOB"}, {}, {"code": "BOB"}),
        ({}, {}, {}),
        ({}, {"rf": "%ff=;"}, {}),
    ],
)
def test_the_server_passes_on_what_the_browser_brought(
    referred_by: Callable[..., Any],
    form: dict[str, str],
    cookies: dict[str, str],
    claims: dict[str, str],
) -> None:
    assert referred_by(form, cookies) == claims
