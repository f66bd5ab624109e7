"""A link as a QR code, to print or to show."""

from io import BytesIO

import segno
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from referral_factory.pages.visitors import limit_visits, too_many
from referrals.services.codes import present_code

TYPES = {"svg": "image/svg+xml", "png": "image/png"}
SIZE, SMALLEST, LARGEST = 320, 64, 2048  # pixels
BORDER = 4  # modules of white around it: scanners need them
KEPT_FOR = 86_400  # seconds


@require_safe
def qr_code(request: HttpRequest, code: str, kind: str) -> HttpResponse:
    """At most `size` pixels wide: each of its modules takes whole ones.

    Counted like a visit to the link: codes can be guessed here, too.
    """
    standing = limit_visits(request, "link")
    if not standing.allowed:
        return too_many(request, standing.resets_in)
    if (present := present_code(code)) is None:
        raise Http404
    drawn = segno.make(f"{settings.PUBLIC_URL}/r/{present}", error="m")
    modules = drawn.symbol_size(border=BORDER)[0]
    picture = BytesIO()
    drawn.save(
        picture, kind=kind, scale=max(_size(request) // modules, 1), border=BORDER,
        light="white",  # also where the page around it is dark
    )  # fmt: skip
    response = HttpResponse(picture.getvalue(), TYPES[kind])
    response.headers["Cache-Control"] = f"public, max-age={KEPT_FOR}"
    response.headers["Content-Disposition"] = f'inline; filename="{present}.{kind}"'
    return response


def _size(request: HttpRequest) -> int:
    """As asked for, or the nearest that we draw."""
    asked = request.GET.get("size", "")
    if not (asked.isascii() and asked.isdigit()):
        return SIZE
    return max(SMALLEST, min(int(asked[:5]), LARGEST))
