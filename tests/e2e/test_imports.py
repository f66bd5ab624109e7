"""Importing a file of people, as somebody of the staff does it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from referrals.models import Campaign, Import
from referrals.services.importing import work_on_imports
from tests.e2e.looks import LOOKS, Accessible, look_as, look_over
from tests.factories import make_campaign, make_participant

LIST = "/admin/referrals/import/"
PEOPLE = """Kontakt;First name;Last name;Plan;Came by
ann@shop.example;Ann;Lee;gold;
<script>throw new Error('it ran')</script>;"<img src=x onerror=""throw 1"">";;=1+1;
bob@shop.example;Bob;;silver;ann@shop.example
no address;Zoë;;silver;
"""


@pytest.fixture
def campaign() -> Campaign:
    campaign = make_campaign(name="Bring a friend", mode="live")
    make_participant(campaign=campaign, email="ann@shop.example")
    return campaign


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE, encoding="cp1252")
    return file


def upload(page: Page, people: Path) -> None:
    page.goto(LIST)
    page.get_by_role("link", name="Add import").first.click()
    page.get_by_label("Campaign").select_option(label="Bring a friend")
    page.locator("#id_file").set_input_files(people)
    page.get_by_role("button", name="Save").first.click()


def work() -> None:
    while work_on_imports():
        pass


def test_a_file_is_mapped_checked_run_and_its_bad_rows_mended(
    page: Page,
    campaign: Campaign,
    people: Path,
    accessible: Callable[[Page], None],
) -> None:
    upload(page, people)
    expect(page.get_by_text("Say what its columns mean")).to_be_visible()
    expect(page.get_by_text("Windows-1252, which is a guess")).to_be_visible()
    accessible(page)
    page.get_by_label("Kontakt is read as").select_option("email")
    page.get_by_label("Plan is read as").select_option("attributes.Plan")
    page.get_by_label("Came by is read as").select_option("referred_by.email")
    page.get_by_role("button", name="Check with these").click()

    expect(page.get_by_text("It is being checked")).to_be_visible()
    work()
    expect(page.get_by_text("It is checked. Nothing is written yet")).to_be_visible()
    expect(page.locator("#sample ~ div tr", has_text="Ann Lee")).to_be_visible()
    assert campaign.participants.count() == 1
    accessible(page)
    page.get_by_role("link", name="Run").click()
    page.get_by_role("button", name="Run").click()

    expect(page.get_by_text("It is running")).to_be_visible()
    work()
    expect(page.get_by_text("It is done: 4 rows")).to_be_visible()
    assert campaign.participants.get(email="bob@shop.example").attributes == {
        "Plan": "silver"
    }
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the bad rows").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert "no address,Zoë,,silver,,4,Kontakt," in text
    assert ",'=1+1," in text


def test_a_file_that_is_none_is_refused_in_plain_words(
    page: Page, campaign: Campaign, tmp_path: Path
) -> None:
    book = tmp_path / "people.xlsx"
    book.write_bytes(b"PK\x03\x04 and so on")

    upload(page, book)

    expect(
        page.get_by_text("This is an Excel workbook or a zip archive")
    ).to_be_visible()
    assert not Import.objects.exists()


def test_an_import_can_be_cancelled_by_keyboard_alone(
    page: Page, campaign: Campaign, people: Path
) -> None:
    upload(page, people)
    page.get_by_role("link", name="Cancel").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Cancel").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text("It was cancelled after 0 rows")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_pages_are_accessible_and_fit(
    page: Page,
    campaign: Campaign,
    people: Path,
    accessible: Accessible,
    width: str,
    scheme: str,
) -> None:
    upload(page, people)
    page.get_by_label("Kontakt is read as").select_option("email")
    page.get_by_role("button", name="Check with these").click()
    expect(page.get_by_text("It is being checked")).to_be_visible()
    work()
    expect(page.get_by_text("It is checked")).to_be_visible()  # it came by itself
    look_as(page, width, scheme)
    one = f"{LIST}{Import.objects.get().pk}/change/"
    look_over(
        page,
        accessible,
        LIST,
        f"{LIST}add/",
        one,
    )
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/import-{width}-{scheme}.png", full_page=True)


ORDERS = """Order ID;Customer ID;Total;Order date;Refund of;properties.sku
o-1;c-1;12,50;2026-01-31;;hat
o-2;c-1;;2026-02-01;o-1;
"""


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_a_file_of_events_is_read_as_one(
    page: Page,
    campaign: Campaign,
    tmp_path: Path,
    accessible: Accessible,
    width: str,
    scheme: str,
) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(ORDERS)
    page.goto(f"{LIST}add/")
    page.get_by_label("Its rows are").select_option(label="Events")
    page.get_by_label("Campaign").select_option(label="Bring a friend")
    page.locator("#id_file").set_input_files(file)
    page.get_by_role("button", name="Save").first.click()
    work()

    expect(page.get_by_text("It is checked")).to_be_visible()
    expect(page.get_by_role("cell", name="purchase, 12.50 USD")).to_be_visible()
    expect(page.get_by_text("takes back o-1")).to_be_visible()
    look_as(page, width, scheme)
    look_over(page, accessible, f"{LIST}{Import.objects.get().pk}/change/")
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/events-{width}-{scheme}.png", full_page=True)
