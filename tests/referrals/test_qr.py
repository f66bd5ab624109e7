"""QR codes: the link as a picture, of any sane size."""

import struct

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from referrals.models import Click
from referrals.services.codes import rotate_code
from tests.factories import make_participant


def width(png: bytes) -> int:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    found: int = struct.unpack(">I", png[16:20])[0]
    return found


@pytest.mark.parametrize(
    ("kind", "content_type", "start"),
    [("svg", "image/svg+xml", b"<?xml"), ("png", "image/png", b"\x89PNG")],
)
def test_qr_code_is_a_picture_of_the_link(
    client: Client, kind: str, content_type: str, start: bytes
) -> None:
    ann = make_participant()

    answer = client.get(f"/r/{ann.code.lower()}/qr.{kind}")

    assert answer["Content-Type"] == content_type
    assert answer.content.startswith(start)
    assert answer["Cache-Control"] == "public, max-age=86400"
    assert answer["Content-Disposition"] == f'inline; filename="{ann.code}.{kind}"'
    assert not Click.objects.exists()


@pytest.mark.parametrize(
    ("size", "least", "most"),
    [
        ("600", 500, 600),
        ("", 200, 320),
        ("nonsense", 200, 320),
        ("-5", 200, 320),
        ("٣٢", 200, 320),
        ("1", 30, 64),
        ("99999999999999999999", 1900, 2048),
    ],
)
def test_size_is_kept_within_bounds(
    client: Client, size: str, least: int, most: int
) -> None:
    answer = client.get(f"/r/{make_participant().code}/qr.png", {"size": size})
    assert least <= width(answer.content) <= most


def test_qr_code_of_a_former_code_shows_the_present_link(client: Client) -> None:
    ann = make_participant()
    before = ann.code
    rotate_code(ann, wall=timezone.now(), code="ANN", keep_old=True)

    answers = [client.get(f"/r/{code}/qr.svg") for code in (before, "ANN")]

    assert answers[0].content == answers[1].content


@pytest.mark.parametrize("code", ["NO%20BODY", "NOBODY", "%F0%9F%8E%81", "x" * 9000])
@pytest.mark.parametrize("kind", ["svg", "png"])
def test_qr_code_of_nobody_is_not_found(client: Client, code: str, kind: str) -> None:
    assert client.get(f"/r/{code}/qr.{kind}").status_code == 404


def test_guessing_codes_here_is_slowed_down_as_well(
    client: Client, settings: LazySettings
) -> None:
    settings.VISIT_LIMIT_PER_MINUTE = 2
    ann = make_participant()
    guesses = [client.get(f"/r/GUESS{n}/qr.svg").status_code for n in range(2)]

    answer = client.get(f"/r/{ann.code}/qr.png")

    assert (guesses, answer.status_code) == ([404, 404], 429)
    assert 1 <= int(answer["Retry-After"]) <= 60
