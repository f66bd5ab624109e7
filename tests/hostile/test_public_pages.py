"""The pages for everybody under attack: never a 500, and nothing runs as script."""

from typing import Any
from urllib.parse import quote

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from pytest_django.fixtures import Settings

from referrals.joining import portal_path
from referrals.models import Campaign, Participant
from tests.factories import make_participant, make_referral
from tests.hostile.test_links import CODES, HEADERS, PARAMETERS
from tests.hostile.values import STRANGE
from tests.pages.forms import HIDDEN, open_campaign, send_form

KINDS = ["text", "long_text", "number", "tick", "date"]
FIELDS = [{"name": kind, "label": kind, "kind": kind} for kind in KINDS]
CHOICE = {"name": "choice", "label": "choice", "kind": "choice", "choices": ["a"]}
VALUES = [value for value in STRANGE if isinstance(value, str)]
EXPECTED = {200, 302, 403, 404, 409, 410, 422, 429}


@pytest.fixture
def visitor() -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture
def campaign(settings: Settings) -> Campaign:
    settings.JOIN_ANSWERS_AFTER *= 0
    settings.JOIN_LIMIT_PER_MINUTE = 10_000
    return open_campaign(fields=[*FIELDS, CHOICE], join={"show_advocate": True})


def stamp(visitor: Client, campaign: Campaign) -> str:
    page = visitor.get(f"/join/{campaign.slug}").content.decode()
    found: dict[str, str] = dict(HIDDEN.findall(page))
    return found["stamp"]


def answered(visitor: Client, campaign: Campaign, form: dict[str, str]) -> Any:
    answer = send_form(visitor, campaign, form)
    assert answer.status_code in {302, 422}, form
    return answer


def test_every_field_takes_every_value(visitor: Client, campaign: Campaign) -> None:
    good = {
        "stamp": stamp(visitor, campaign),
        "name": "Ann",
        "email": "ann@mail.example.com",
    }
    sent_by = ["ref", "rf_click"]
    fields = [f"field_{kind}" for kind in [*KINDS, "choice"]]
    for value in VALUES:
        for names in (["name"], ["email"], ["stamp"], sent_by, fields):
            answered(visitor, campaign, {**good, **dict.fromkeys(names, value)})


def test_what_was_kept_of_it_shows_as_text(visitor: Client, campaign: Campaign) -> None:
    ann = make_participant(campaign=campaign)
    form = {"stamp": stamp(visitor, campaign), "field_choice": "a"}
    for number, value in enumerate(VALUES):
        mailbox = f"friend{number}@mail{number}.example.com"
        named = {"name": value[:200], "email": mailbox, "ref": ann.code}
        send_form(visitor, campaign, {**form, **named})
    assert ann.referrals.count() > len(VALUES) / 2
    for friend in Participant.objects.exclude(pk=ann.pk):
        page = visitor.get(portal_path(friend))
        assert page.status_code == 200
        assert "<script>" not in page.content.decode()
    assert "<script>alert" not in visitor.get(portal_path(ann)).content.decode()


@pytest.mark.parametrize("path", ["/join/{}", "/portal/{}", "/join/x/confirm/{}"])
@pytest.mark.parametrize("code", CODES, ids=lambda code: ascii(code)[:30])
def test_no_path_breaks_a_page(visitor: Client, path: str, code: str) -> None:
    wild = path.format(code if "%" in code else quote(code, safe="/"))
    assert visitor.get(wild).status_code in {400, 404}


@pytest.mark.parametrize("query", PARAMETERS, ids=lambda query: query[:30])
def test_no_parameter_breaks_a_page(
    visitor: Client, campaign: Campaign, query: str
) -> None:
    for given in (query, f"ref={query}", f"rf_click={query}"):
        answer = visitor.get(f"/join/{campaign.slug}?{given}")
        assert answer.status_code in {200, 400}


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: ascii(headers)[:40])
def test_no_header_breaks_a_page(
    visitor: Client, campaign: Campaign, headers: dict[str, str]
) -> None:
    path = f"/join/{campaign.slug}"
    assert visitor.get(path, headers=headers).status_code in EXPECTED
    form = {"stamp": stamp(visitor, campaign), "name": "Ann", "email": "a@x.example"}
    assert visitor.post(path, form, headers=headers).status_code in EXPECTED


@pytest.mark.parametrize("language", ["xx", "de" * 4000, "*;q=0", "en-" + "a" * 500])
def test_no_language_breaks_a_page(
    visitor: Client, campaign: Campaign, language: str
) -> None:
    answer = visitor.get(
        f"/join/{campaign.slug}", headers={"Accept-Language": language}
    )
    assert answer.status_code == 200


def test_a_body_that_is_no_form_is_refused(visitor: Client, campaign: Campaign) -> None:
    for body, kind in [
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"a=" + b"x" * 300_000, "application/x-www-form-urlencoded"),
        (
            b"&".join(b"a%d=1" % n for n in range(2000)),
            "application/x-www-form-urlencoded",
        ),
    ]:
        answer = visitor.post(f"/join/{campaign.slug}", body, content_type=kind)
        assert answer.status_code in {400, 413, 422}, kind


@pytest.mark.parametrize("path", ["/join/{slug}", "/admin/login/", "/dashboard/"])
def test_nobody_leaves_a_large_file_on_our_disk(
    visitor: Client, campaign: Campaign, path: str
) -> None:
    answer = visitor.post(
        path.format(slug=campaign.slug),
        {"file": ContentFile(b"x" * 2_000_000, "large.csv")},
    )

    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"


def test_attributes_have_the_limits_that_the_api_has(
    visitor: Client, campaign: Campaign
) -> None:
    Campaign.objects.update(
        fields=[{"name": f"n{n}", "label": "x", "kind": "long_text"} for n in range(4)]
    )
    form = {"stamp": stamp(visitor, campaign), "name": "A", "email": "a@x.example"}
    long = {f"field_n{n}": "x" * 5000 for n in range(4)}
    answer = send_form(visitor, campaign, {**form, **long})
    assert answer.status_code == 422
    assert "more text than can be kept" in answer.content.decode()


def test_a_portal_of_somebody_with_a_wild_name_stands(visitor: Client) -> None:
    for value in VALUES:
        friend = make_participant(name=value.replace("\x00", "")[:200])
        referral = make_referral(friend=friend)
        for person in (friend, referral.advocate):
            answer = visitor.get(portal_path(person))
            assert answer.status_code == 200
            assert "<script>" not in answer.content.decode()
