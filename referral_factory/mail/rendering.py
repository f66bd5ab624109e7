"""From a text with placeholders to a message. Pure functions.

Who writes a text is staff; who gives a name may be anybody, and may want to borrow our
sender for words of their own. So a name is used only where it looks like one.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from referral_factory.errors import InvalidInput
from referral_factory.mail import texts
from referral_factory.mail.models import Kind
from referral_factory.mail.texts import Text

PLACEHOLDER = re.compile(r"\{([^{}\n]*)\}")
NAMELESS = re.compile(r"[ \t]*\{name\}")  # "Hello {name}," becomes "Hello,"

LONGEST_NAME = 60
# Letters of any script with their marks, digits, and what stands between names.
LOOKS_LIKE_A_NAME = re.compile(r"[\w .,'’\-‐·&()]+")  # noqa: RUF001 - typed so
LOOKS_LIKE_AN_ADDRESS = re.compile(r"\w[.]\w\w|\bwww\b|\bhttps?\b", re.IGNORECASE)
JOINERS = frozenset("\u200c\u200d")
MOST_DIGITS = 4  # more are a telephone number

LINK = 'style="color:#0f766e;word-break:break-all"'
BUTTON = (
    'style="display:inline-block;padding:12px 22px;border-radius:8px;'
    "background-color:#0f766e;color:#ffffff;font-weight:600;"
    'text-decoration:none"'
)


@dataclass(frozen=True)
class Rendered:
    subject: str
    text: str
    fragment: SafeString  # of the HTML: what stands inside its frame
    footer: str

    @property
    def html(self) -> str:
        return render_to_string("mail/message.html", {"mail": self})

    @property
    def plain(self) -> str:
        return f"{self.text}\n\n-- \n{self.footer}\n"


def check_text(kind: str, subject: str, body: str) -> None:
    """InvalidInput where a placeholder is not known, or the needed one is missing."""
    allowed = texts.PLACEHOLDERS[Kind(kind)]
    _check_placeholders("/subject", subject, allowed - texts.LINKS)
    _check_placeholders("/body", body, allowed)
    needed = texts.NEEDED.get(Kind(kind))
    if body and needed and f"{{{needed}}}" not in body:
        message = f"Say where {{{needed}}} goes: without it nobody can answer."
        raise InvalidInput("/body", message, "placeholder_missing")
    if subject != one_line(subject):
        message = "A subject is one line without control characters."
        raise InvalidInput("/subject", message)


def _check_placeholders(pointer: str, text: str, allowed: frozenset[str]) -> None:
    for name in PLACEHOLDER.findall(text):
        if name not in allowed:
            known = ", ".join(f"{{{each}}}" for each in sorted(allowed))
            message = f"There is no {{{name}}} here. There is {known}."
            raise InvalidInput(pointer, message, "unknown_placeholder")


def render(kind: str, text: Text, values: Mapping[str, str]) -> Rendered:
    """The message to one person. `values` has every placeholder of the kind."""
    name = safe_name(values["name"])
    given = {**values, "name": name, "campaign": one_line(values["campaign"])}
    subject, body = text.subject, text.body.replace("\r\n", "\n").strip()
    if not name:
        subject, body = NAMELESS.sub("", subject), NAMELESS.sub("", body)
    paragraphs = re.split(r"\n\s*\n", body)
    return Rendered(
        subject=one_line(_fill(subject, given)),
        text=_fill(body, given),
        fragment=mark_safe("".join(_paragraph(each, given) for each in paragraphs)),  # noqa: S308 - each is made by format_html
        footer=texts.footer(kind, given["campaign"]),
    )


def safe_name(name: str) -> str:
    """The name, or nothing where it may be an advertisement, a link or a number."""
    plain = unicodedata.normalize("NFKC", name)
    plain = " ".join(re.sub("[。｡]", ".", plain).split())  # dots of domains
    letters = _letters(plain)
    fine = (
        len(plain) <= LONGEST_NAME
        and LOOKS_LIKE_A_NAME.fullmatch(letters)
        and not LOOKS_LIKE_AN_ADDRESS.search(letters)
        and sum(character.isdigit() for character in letters) <= MOST_DIGITS
    )
    return plain if fine else ""


def one_line(text: str) -> str:
    """Without line breaks and other control characters: fit to be a header."""
    visible = (c if unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join("".join(visible).split())


def _letters(text: str) -> str:
    """Without marks on letters, and the joiners of scripts that have them."""
    return "".join(
        c for c in text if unicodedata.category(c)[0] != "M" and c not in JOINERS
    )


def _fill(text: str, values: Mapping[str, str]) -> str:
    """In one pass: what a value holds in braces stays as it is."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def _paragraph(text: str, values: Mapping[str, str]) -> SafeString:
    alone = PLACEHOLDER.fullmatch(text.strip())
    if alone and (label := texts.button(alone[1])):
        inside = _anchor(values[alone[1]], label, BUTTON)
    else:
        inside = mark_safe("<br>".join(_line(e, values) for e in text.split("\n")))  # noqa: S308 - escaped by _line
    return format_html('<p style="margin:0 0 18px">{}</p>', inside)


def _line(text: str, values: Mapping[str, str]) -> str:
    """Escaped, its placeholders filled; links become links."""
    pieces = PLACEHOLDER.split(text)  # text and names by turns
    return "".join(
        _value(piece, values) if position % 2 else escape(piece)
        for position, piece in enumerate(pieces)
    )


def _value(name: str, values: Mapping[str, str]) -> str:
    if name not in values:
        return escape(f"{{{name}}}")
    value = values[name]
    return _anchor(value, value, LINK) if name in texts.LINKS else escape(value)


def _anchor(address: str, label: str, style: str) -> SafeString:
    return format_html('<a href="{}" {}>{}</a>', address, mark_safe(style), label)  # noqa: S308 - ours
