"""How pages are looked at: in light and dark, on a wide screen and a narrow one."""

from collections.abc import Callable

from playwright.sync_api import Page

from tests.e2e.conftest import NARROW

Accessible = Callable[[Page], None]
LOOKS = [
    (width, scheme) for width in ("wide", "narrow") for scheme in ("light", "dark")
]


def look_as(page: Page, width: str, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    if width == "narrow":
        page.set_viewport_size(NARROW)


def fits(page: Page) -> bool:
    """Whether nothing sticks out to the side."""
    return bool(
        page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    )


def look_over(page: Page, accessible: Accessible, *addresses: str) -> None:
    """Open each; fails where one is not accessible, or does not fit."""
    for address in addresses:
        page.goto(address)
        accessible(page)
        assert fits(page), address
