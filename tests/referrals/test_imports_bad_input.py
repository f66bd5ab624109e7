"""Files and rows that somebody will send one day: each has a clear fault of its own."""

import csv
import io
from typing import Any

import pytest
from django.core.files.base import ContentFile
from rest_framework.test import APIClient

from referrals.models import Campaign, Import, ImportPart, Participant
from tests.api.callers import caller
from tests.factories import make_campaign, make_key
from tests.referrals.imports import (
    IMPORTS,
    checked,
    fault_file,
    faults,
    imported,
    upload,
    work,
)


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign()


@pytest.fixture
def client() -> APIClient:
    return caller(make_key())


def emails(campaign: Campaign) -> list[str | None]:
    rows = campaign.participants.order_by("email")
    return list(rows.values_list("email", flat=True))


# --- Files ---------------------------------------------------------------------------

NO_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty_file"),
    "only a byte order mark": (b"\xef\xbb\xbf", "empty_file"),
    "only a UTF-16 mark": (b"\xff\xfe", "empty_file"),
    "only blank lines": (b"\r\n\r\n  \n", "empty_file"),
    "xlsx": (b"PK\x03\x04\x14\x00\x06\x00", "not_csv"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "not_csv"),
    "pdf": (b"%PDF-1.7\n", "not_csv"),
    "gzip": (b"\x1f\x8b\x08\x00", "not_csv"),
    "picture": (b"\x89PNG\r\n\x1a\n", "not_csv"),
    "NUL bytes": (b"email,name\na\x00@x.example,b\n", "not_csv"),
    "UTF-16 without a mark": ("email\na@x.example\n".encode("utf-16-le"), "not_csv"),
    "HTML": (b" <!DOCTYPE html><html><body>Please log in</body>", "not_csv"),
    "XML": (b"<?xml version='1.0'?><people/>", "not_csv"),
    "JSON": (b'[{"email": "ann@shop.example"}]', "not_csv"),
    "no header": (b"ann@shop.example,Ann\nbob@shop.example,Bob\n", "no_header"),
    "no column to tell people by": (b"name,city\nAnn,Berlin\n", "no_usable_column"),
    "an open quote in the header": (b'email,"name\nann@shop.example,Ann', "no_header"),
    "a header in no encoding": (
        b"email,n\x81me\nann@shop.example,x\n",
        "wrong_encoding",
    ),
    "a header without end": (b"email," + b"x" * 200_000, "no_header"),
}


@pytest.mark.parametrize(("body", "code"), NO_FILES.values(), ids=NO_FILES)
def test_a_file_that_is_none_is_refused_and_leaves_nothing(
    client: APIClient, campaign: Campaign, body: bytes, code: str
) -> None:
    answer = upload(client, campaign, body)

    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == code
    assert problem["errors"][0]["pointer"] in {"/file", "/mapping"}
    assert problem["detail"].endswith((".", "`."))
    assert not Import.objects.exists()
    assert not ImportPart.objects.exists()


def test_two_gigabytes_are_refused_before_a_byte_of_them_is_read(
    client: APIClient, campaign: Campaign
) -> None:
    answer = client.generic(
        "POST",
        f"{IMPORTS}?campaign={campaign.public_id}",
        "email\n",
        content_type="text/csv",
        CONTENT_LENGTH=str(2 * 1024**3),
    )

    assert answer.status_code == 413
    assert answer.json()["code"] == "file_too_large"
    assert "1024 MB (IMPORT_MAX_MB)" in answer.json()["detail"]
    assert not Import.objects.exists()


@pytest.mark.parametrize("part", ["text", b"a file"])
def test_a_form_of_a_thousand_parts_is_refused(
    client: APIClient, campaign: Campaign, part: str | bytes
) -> None:
    value: Any = part if isinstance(part, str) else ContentFile(part, "a.csv")
    fields = {"campaign": campaign.public_id, "file": [value] * 1001}

    answer = client.post(IMPORTS, fields, format="multipart")

    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"


@pytest.mark.parametrize("kind", ["raw", "form"])
def test_a_stream_that_passes_the_limit_leaves_nothing_behind(
    client: APIClient, campaign: Campaign, settings: Any, kind: str
) -> None:
    settings.IMPORT_MAX_MB = 1
    body = b"email\n" + b"ann@shop.example\n" * 70_000

    if kind == "raw":
        answer = upload(client, campaign, body)
    else:
        file = io.BytesIO(body)
        file.name = "big.csv"
        fields = {"campaign": campaign.public_id, "file": file}
        answer = client.post(IMPORTS, fields, format="multipart")

    assert answer.status_code == 413
    assert answer.json()["code"] == "file_too_large"
    assert not Import.objects.exists()


def test_a_quote_that_is_never_closed_ends_the_file_there(
    client: APIClient, campaign: Campaign
) -> None:
    body = 'email,name\na@x.example,A\nb@x.example,"B\nc@x.example,C\n'

    shown = imported(client, campaign, body)

    assert shown["status"] == "failed"
    assert shown["error"]["code"] == "unclosed_quote"
    assert shown["error"]["detail"].startswith("Row 2: A quote is opened there")
    assert emails(campaign) == ["a@x.example"]
    assert not ImportPart.objects.exists()


def test_a_quote_that_closes_in_another_row_is_noticed(
    client: APIClient, campaign: Campaign
) -> None:
    body = 'email,name\na@x.example,"A\nb@x.example,"B"\nc@x.example,C\n'

    shown = checked(client, campaign, body)

    assert shown["status"] == "failed"
    assert shown["error"]["code"] == "unclosed_quote"


def test_a_line_without_end_is_refused(client: APIClient, campaign: Campaign) -> None:
    body = b"email\na@x.example\n" + b"y" * 2_500_000

    shown = imported(client, campaign, body)

    assert shown["error"]["code"] == "row_too_long"
    assert emails(campaign) == ["a@x.example"]


def test_a_row_of_many_lines_without_end_is_refused(
    client: APIClient, campaign: Campaign
) -> None:
    """Each line is short, and closes one quoted cell to open the next."""
    body = b'email,name\na@x.example,A\nb@x.example,"' + b'\n","zz' * 400_000

    shown = imported(client, campaign, body)

    assert shown["error"]["code"] == "row_too_long"
    assert emails(campaign) == ["a@x.example"]


# --- Rows ----------------------------------------------------------------------------

BAD_ROWS: dict[str, tuple[bytes, str, str]] = {
    "no address": (b"ann at shop.example,Ann", "email", "invalid"),
    "a name of 10 kB": (b"x@x.example," + b"n" * 10_000, "name", "max_length"),
    "control characters": (b"x@x.example,A\x07nn", "name", "control_character"),
    "a NUL": (b"x@x.example,A\x00nn", "name", "control_character"),
    "right-to-left tricks": ("x@x.example,\u202egnp.exe".encode(), "name", ""),
    "wrong encoding": (b"x@x.example,Zo\xeb", "", "wrong_encoding"),
    "too many cells": (b"x@x.example,Ann,or,more", "", "too_many_cells"),
    "nobody": (b",Ann", "", "required"),
    "an open quote in the last row": (b'x@x.example,"Ann', "", "unclosed_quote"),
    "text after a quote": (b'x@x.example,"An"n', "", "broken_quotes"),
    "a cell of 200 kB": (b"x@x.example," + b"n" * 200_000, "", "cell_too_long"),
}


@pytest.mark.parametrize(("row", "column", "code"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_has_its_fault_and_the_good_ones_are_kept(
    client: APIClient, campaign: Campaign, row: bytes, column: str, code: str
) -> None:
    good = "ann@x.example,Änne\nzoe@x.example,Zoë\nbob@x.example,\n".encode()
    # Beyond what is looked at when the file arrives.
    many = b"".join(b"p%d@x.example,%064d\n" % (n, n) for n in range(1100))

    shown = imported(client, campaign, b"email,name\n" + good + many + row + b"\n")

    assert shown["status"] == "done"
    (fault,) = faults(client, shown)
    assert fault["row"] == 1104
    assert (fault["column"], fault["code"]) == (column, code or fault["code"])
    assert fault["detail"]
    assert shown["counts"]["created"] == 1103
    assert shown["counts"]["failed"] == 1
    assert campaign.participants.get(email="zoe@x.example").name == "Zoë"


GOOD_ROWS = {
    "a formula as an address": ("=1+1@x.com", "Ann"),
    "HTML": ("x@x.example", "<script>alert(1)</script>"),
    "emoji": ("x@x.example", "\U0001f469\u200d\U0001f680"),
    "right to left": ("x@x.example", "\u05d0\u05d1"),
    "a formula as a name": ("x@x.example", "=HYPERLINK(1)"),
    "a line break": ("x@x.example", "A"),
}


@pytest.mark.parametrize(("email", "name"), GOOD_ROWS.values(), ids=GOOD_ROWS)
def test_what_only_looks_bad_is_kept_as_it_is(
    client: APIClient, campaign: Campaign, email: str, name: str
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([["email", "name"], [email, name]])

    shown = imported(client, campaign, text.getvalue())

    assert shown["counts"]["created"] == 1
    person = Participant.objects.get(campaign=campaign)
    assert (person.email, person.name) == (email, name)


def test_the_file_of_faults_computes_nothing_and_can_be_sent_again(
    client: APIClient, campaign: Campaign
) -> None:
    cells = ["=1+1@x.com", "+49 30", "-1", "@x", "\uff1dA1", "'=A1", "'quoted'", " =A1"]
    header = ["email", *(f"attributes.a{n}" for n in range(1, 8)), "city"]
    text = io.StringIO()
    csv.writer(text).writerows([header, [*cells, "x\n=y"], ["", *cells]])
    shown = imported(client, campaign, text.getvalue())
    assert shown["counts"]["failed"] == 1

    rows = list(csv.reader(io.StringIO(fault_file(client, shown))))

    assert rows[0] == [*header, "row", "column", "code", "what is wrong"]
    (bad,) = rows[1:]
    assert not [cell for cell in bad if cell.strip().startswith(DANGEROUS)]
    assert bad[-4:-1] == ["2", "", "required"]
    mended = [["email", *rows[0][1:]], ["zoe@x.example", *bad[1:]]]
    again = io.StringIO()
    csv.writer(again).writerows(mended)
    shown = imported(client, campaign, again.getvalue())
    zoe = campaign.participants.get(email="zoe@x.example")
    assert zoe.attributes["a1"] == "=1+1@x.com"
    assert zoe.attributes["a2"] == "+49 30"
    assert zoe.attributes["a5"] == "\uff1dA1"
    assert zoe.attributes["a6"] == "'=A1"


DANGEROUS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def test_a_broken_row_keeps_all_of_its_faults(
    client: APIClient, campaign: Campaign
) -> None:
    shown = checked(client, campaign, "Mail,Name,Customer since\nno,A\x07,soon\n")

    found = {(each["column"], each["code"]) for each in faults(client, shown)}
    assert {"Name", "Customer since"} <= {column for column, _ in found}
    assert shown["counts"]["failed"] == 1
    (row,) = list(csv.DictReader(io.StringIO(fault_file(client, shown))))
    assert row["Mail"] == "no"
    assert row["column"].count(";") == len(found) - 1


def test_two_rows_for_one_person_are_one_person(
    client: APIClient, campaign: Campaign
) -> None:
    body = "email,name\nann.lee@gmail.com,Ann\nAnnLee+x@googlemail.com,Ann Lee\n"

    dry = checked(client, campaign, body)
    shown = imported(client, campaign, body)

    for each in (dry, shown):
        assert each["counts"] == {
            "created": 1,
            "updated": 1,
            "unchanged": 0,
            "failed": 0,
            "repeated": 1,
        }
        assert (
            "Rows about somebody whom an earlier row was about: 1." in each["notes"][0]
        )
    assert Participant.objects.get(campaign=campaign).name == "Ann Lee"


def test_names_of_two_people_in_one_row_are_a_fault(
    client: APIClient, campaign: Campaign
) -> None:
    body = "email,id\na@x.example,a\nb@x.example,b\na@x.example,b\n"

    shown = imported(client, campaign, body)

    (fault,) = faults(client, shown)
    assert (fault["row"], fault["code"]) == (3, "identity_conflict")
    assert "x.example" not in fault["detail"]


# --- Mappings ------------------------------------------------------------------------

BAD_MAPPINGS = {
    '{"Plan": "attributes.plan"}': "missing_column",
    '{"Mail": "post"}': "unknown_field",
    '{"Mail": "email", "Name": "email"}': "mapped_twice",
    '{"Name": "name"}': "no_usable_column",
    '{"Mail": 1}': "not_a_mapping",
    "[]": "not_a_mapping",
    "{": "not_a_mapping",
    '{"\\ud800": "email"}': "control_character",
}


@pytest.mark.parametrize(("mapping", "code"), BAD_MAPPINGS.items())
def test_a_mapping_that_does_not_fit_is_refused(
    client: APIClient, campaign: Campaign, mapping: str, code: str
) -> None:
    file = io.BytesIO(b"Mail,Name\nann@x.example,Ann\n")
    file.name = "people.csv"
    fields = {"campaign": campaign.public_id, "file": file, "mapping": mapping}

    answer = client.post(IMPORTS, fields, format="multipart")

    assert answer.status_code == 422
    problem = answer.json()
    assert code in {problem["code"], *(e["code"] for e in problem["errors"])}
    assert problem["errors"][0]["pointer"].startswith("/mapping")
    assert not Import.objects.exists()


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({}, "/file"),
        ({"file": "text"}, "/file"),
        ({"campaign": "cmp_x"}, "/campaign"),
        ({"dry_run": "perhaps"}, "/dry_run"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_form_is_read_strictly(
    client: APIClient, campaign: Campaign, fields: dict[str, Any], pointer: str
) -> None:
    file = io.BytesIO(b"email\nann@x.example\n")
    file.name = "people.csv"
    whole = {"campaign": campaign.public_id, "file": file, **fields}
    if not fields:
        del whole["file"]

    answer = client.post(IMPORTS, whole, format="multipart")

    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_another_type_of_body_is_refused(client: APIClient) -> None:
    assert client.post(IMPORTS, {"file": "x"}).status_code == 415


def test_a_campaign_that_takes_nobody_is_said_at_once(client: APIClient) -> None:
    campaign = make_campaign(status="paused")

    answer = upload(client, campaign, "email\nann@x.example\n")

    assert answer.status_code == 409
    assert not Import.objects.exists()


def test_a_campaign_that_is_paused_meanwhile_stops_the_import(
    client: APIClient, campaign: Campaign
) -> None:
    answer = upload(client, campaign, "email\nann@x.example\n", dry_run="false")
    Campaign.objects.update(status="paused")
    work()

    shown = client.get(f"{IMPORTS}/{answer.json()['id']}").json()
    assert shown["status"] == "failed"
    assert shown["error"]["code"] == "campaign_not_open"
