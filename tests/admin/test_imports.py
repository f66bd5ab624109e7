"""Who may do what with imports in the admin, and what comes of odd requests."""

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from referrals.models import Import
from referrals.services.importing import work_on_imports
from referrals.services.imports import check_import, receive_file
from tests.admin.conftest import Login
from tests.admin.pages import said
from tests.factories import make_campaign

LIST = "/admin/referrals/import/"


def uploaded() -> Import:
    body = b"email,name\nann@x.example,Ann\nno,=1+1\n"
    received = receive_file(make_campaign(), [body], filename="p.csv", by="user:ann")
    check_import(received)
    work_on_imports()
    return received


def test_an_upload_is_checked_at_once(boss: Client) -> None:
    file = SimpleUploadedFile("p.csv", b"email\nann@x.example\n")

    answer = boss.post(
        f"{LIST}add/",
        {"kind": "participants", "campaign": make_campaign().pk, "file": file},
    )

    received = Import.objects.get()
    assert answer["Location"] == f"{LIST}{received.pk}/change/"
    assert (received.status, received.made_by) == ("checking", "user:boss")


def test_an_empty_file_is_refused_in_words(boss: Client) -> None:
    file = SimpleUploadedFile("p.csv", b"")
    form = {"kind": "participants", "campaign": make_campaign().pk, "file": file}

    page = boss.post(f"{LIST}add/", form, follow=True)

    assert "The file is empty." in said(page)
    assert not Import.objects.exists()


def test_two_gigabytes_are_refused_by_their_length(boss: Client) -> None:
    answer = boss.post(f"{LIST}add/", {}, CONTENT_LENGTH=str(2 * 1024**3))

    assert answer.status_code == 413


def test_who_may_only_look_changes_nothing(login: Login) -> None:
    received = uploaded()
    client = login("ana", "referrals.view_import")

    page = client.get(f"{LIST}{received.pk}/change/")
    assert page.status_code == 200
    assert "Check with these" not in page.content.decode()
    assert client.get(f"{LIST}{received.pk}/progress/").status_code == 200
    assert client.get(f"{LIST}{received.pk}/faults.csv/").status_code == 200
    for path in ("add/", f"{received.pk}/run/", f"{received.pk}/cancel/"):
        assert client.get(LIST + path).status_code == 403
    assert client.post(f"{LIST}{received.pk}/mapping/").status_code == 403


def test_who_may_not_look_sees_nothing(login: Login) -> None:
    received = uploaded()
    client = login("ana", "rewards.view_reward")

    for page in ("change", "progress", "faults.csv"):
        assert client.get(f"{LIST}{received.pk}/{page}/").status_code == 403


def test_the_bad_rows_compute_nothing(boss: Client) -> None:
    answer = boss.get(f"{LIST}{uploaded().pk}/faults.csv/")

    assert "no,'=1+1,2,email," in b"".join(answer).decode("utf-8-sig")


def test_a_mapping_that_cannot_be_used_is_refused_in_words(boss: Client) -> None:
    received = uploaded()
    address = f"{LIST}{received.pk}/mapping/"

    nobody = boss.post(address, {"column1": "name"}, follow=True)
    twice = boss.post(address, {"column0": "email", "column1": "email"}, follow=True)
    odd = boss.post(address, {"column0": "password"}, follow=True)

    assert "No column is an external_id or an email" in said(nobody)
    assert "Two columns are mapped to 'email'." in said(twice)
    assert "Choose from the lists." in said(odd)
    received.refresh_from_db()
    assert received.mapping == {"email": "email", "name": "name"}


def test_an_import_that_is_not_there_is_not_found(boss: Client) -> None:
    assert boss.get(f"{LIST}nothing/progress/").status_code == 404
    assert boss.get(f"{LIST}{uploaded().pk}/mapping/").status_code == 405


def test_a_file_of_events_is_read_as_one(boss: Client) -> None:
    body = b"order id,customer id,total,sku\no-1,c-1,25.00,hat\n"
    file = SimpleUploadedFile("orders.csv", body)
    campaign = make_campaign(status="paused")
    form = {"kind": "events", "campaign": campaign.pk, "file": file}

    page = boss.post(f"{LIST}add/", form, follow=True)

    received = Import.objects.get()
    assert (received.kind, received.status) == ("events", Import.Status.CHECKING)
    assert b"external id c-1" in page.content
    assert b"purchase, 25.00 USD" in page.content
    assert b"Property: sku" in page.content


def test_people_are_not_taken_by_a_campaign_that_is_paused(boss: Client) -> None:
    file = SimpleUploadedFile("p.csv", b"email\nann@shop.example\n")
    campaign = make_campaign(status="paused")
    form = {"kind": "participants", "campaign": campaign.pk, "file": file}

    page = boss.post(f"{LIST}add/", form)

    assert b"It is paused: it takes no people." in page.content
    assert not Import.objects.exists()
