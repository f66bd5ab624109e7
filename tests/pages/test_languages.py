"""The pages speak the visitor's language, wholly."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from django.test import Client
from django.utils.translation.template import templatize

from referral_factory.embedded import BASE_DIR
from tests.factories import make_participant
from tests.pages.forms import open_campaign, page, says, send
from tests.pages.test_portal import portal

GERMAN = BASE_DIR / "locale/de/LC_MESSAGES"
TEMPLATES = [
    path
    for name in ("public", "join", "portal")
    for path in (BASE_DIR / "templates" / name).glob("*.html")
]
MODULES = [
    *(BASE_DIR / "referral_factory/pages").glob("*.py"),
    BASE_DIR / "referral_factory/mail/texts.py",
]
# What Django's templates and our modules call to have a text translated.
WORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
}


def texts_of(path: Path) -> Iterator[str]:
    """Every text in a file that is to be translated."""
    source = path.read_text()
    if path.suffix == ".html":
        source = templatize(source)
    for _line, text, _comments, _context in extract(
        "python", io.BytesIO(source.encode()), keywords=WORDS
    ):
        yield text if isinstance(text, str) else text[0]


@pytest.fixture(scope="module")
def german() -> Catalog:
    with (GERMAN / "django.po").open("rb") as file:
        return read_po(file, locale="de")


@pytest.mark.parametrize("path", [*TEMPLATES, *MODULES], ids=lambda path: path.name)
def test_every_text_is_there_in_german(path: Path, german: Catalog) -> None:
    wanted = set(texts_of(path))
    missing = {text for text in wanted if not (text in german and german[text].string)}
    assert missing == set()


def test_what_is_compiled_is_what_is_written(german: Catalog) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, german)
    with (GERMAN / "django.mo").open("rb") as file:
        kept = read_mo(file)
    compiled.seek(0)
    fresh = read_mo(compiled)
    assert words_of(kept) == words_of(fresh)


def words_of(catalog: Catalog) -> dict[str, str]:
    return {str(message.id): str(message.string) for message in catalog if message.id}


def test_placeholders_are_the_same_in_both_languages(german: Catalog) -> None:
    wrong = [message.id for message in german if list(message.check())]
    assert wrong == []


def test_the_browser_says_which_language(client: Client) -> None:
    campaign = open_campaign()
    english = page(client, campaign)
    assert english.headers["Content-Language"] == "en"
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de-AT,de;q=0.9,en;q=0.5"
    answer = page(client, campaign)
    assert answer.headers["Content-Language"] == "de"
    assert "Accept-Language" in answer.headers["Vary"]
    assert says(answer, '<html lang="de"') is False
    assert b'<html lang="de"' in answer.content
    assert says(answer, "Ihr Name")


def test_a_language_that_we_do_not_speak_is_answered_in_english(client: Client) -> None:
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "fr"
    assert says(page(client, open_campaign()), "Your name")


def test_mistakes_are_told_in_the_same_language(client: Client) -> None:
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    answer = send(client, open_campaign(), name="", email="nonsense")
    assert says(answer, "Dieses Feld ist zwingend erforderlich.")
    assert says(answer, "An diese Adresse")


def test_amounts_and_days_are_written_as_the_language_does(client: Client) -> None:
    ann = make_participant(name="Ann")
    answer = portal(client, ann, **{"Accept-Language": "de"})
    assert says(answer, "Hallo")


def test_the_api_goes_on_in_english(client: Client) -> None:
    answer = client.get("/api/v1/campaigns", headers={"Accept-Language": "de"})
    assert answer.json()["title"] == "Unauthorized"
    assert "Anmelde" not in answer.json()["detail"]
