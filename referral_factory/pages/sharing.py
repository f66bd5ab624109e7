"""What it takes to share a link: its address, QR code, and buttons with their texts."""

import re
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.utils.translation import gettext as _

from referrals.join_page import page_of
from referrals.models import Campaign, FormerCode, Participant
from referrals.models.participant import CODE_ALPHABET, CODE_LENGTH

DRAWN = re.compile(f"[{CODE_ALPHABET}]{{{CODE_LENGTH}}}")


def shown_code(participant: Participant) -> str:
    """The code that a stranger who enters their mailbox may see.

    One that was drawn by lot: a chosen one ("ANN") would tell that they are here, and
    the drawn one that they had before leads to them as well.
    """
    if DRAWN.fullmatch(participant.code):
        return participant.code
    before = FormerCode.objects.filter(participant=participant, works=True)
    codes = before.order_by("-retired_at").values_list("code", flat=True)
    drawn = (code for code in codes if DRAWN.fullmatch(code))
    return next(drawn, participant.code)


def share_links(campaign: Campaign, code: str) -> dict[str, Any]:
    """For templates/public/share.html."""
    path = f"/r/{code}"
    link = settings.PUBLIC_URL + path
    text = _prepared_text(campaign, link)
    return {
        "link": link,
        "qr_svg": f"{path}/qr.svg",
        "qr_png": f"{path}/qr.png?size=1024",
        "share_text": text,
        "share_buttons": [
            (name, label, address)
            for name, (label, address) in _buttons(campaign.name, link, text).items()
        ],
    }


def _prepared_text(campaign: Campaign, link: str) -> str:
    text = page_of(campaign).share_text or _("I recommend {campaign}: {link}")
    return text.replace("{campaign}", campaign.name).replace("{link}", link)


def _buttons(subject: str, link: str, text: str) -> dict[str, tuple[str, str]]:
    """Plain links: nothing of theirs is loaded before somebody follows one."""
    words = text.replace(link, "").strip(" :")  # where the link has a field of its own
    both = _query(url=link, text=words)
    linkedin = "https://www.linkedin.com/sharing/share-offsite/?"
    facebook = "https://www.facebook.com/sharer/sharer.php?"
    return {
        "email": (_("E-mail"), "mailto:?" + _query(subject=subject, body=text)),
        "whatsapp": ("WhatsApp", "https://wa.me/?" + _query(text=text)),
        "telegram": ("Telegram", "https://t.me/share/url?" + both),
        "x": ("X", "https://x.com/intent/post?" + both),
        "facebook": ("Facebook", facebook + _query(u=link)),
        "linkedin": ("LinkedIn", linkedin + _query(url=link)),
    }


def _query(**parameters: str) -> str:
    """With spaces as %20: in a mail's text, a plus would stay one."""
    return urlencode(parameters, quote_via=quote)
