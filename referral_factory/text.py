"""What text may be kept: what people can see, on one line or several, and no cards."""

import re
import unicodedata

from rest_framework.exceptions import ValidationError

# Control characters, and halves of surrogate pairs.
CONTROLS_AND_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

# What turns the direction of the text around it, so that "gpj.exe" reads "exe.jpg".
TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
# And what takes no room, so that two names look the same and are not.
HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# Regional flags, which are emoji, are spelled with such characters.
FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e007a]{1,6}\U000e007f")
# Joiners are part of words in Persian and the scripts of India, and of emoji; between
# Latin letters they only hide.
JOINER = re.compile("[\u200c\u200d]")
JOINED = frozenset({"Lo", "Lm", "Mn", "Mc", "So", "Sk"})

SHORTEST_CARD = 13  # digits
# Not after a letter, a digit or a plus: parts of hashes and telephone numbers are not
# card numbers.
CARD_LIKE = re.compile(r"(?<![0-9A-Za-z+])[2-6](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z])")
# The ranges that card networks issue from, so that an order number of sixteen digits
# is not refused one time in ten for passing Luhn.
CARD_NETWORKS = re.compile(
    r"4(\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|(222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)"
    r"\d{12}|3[47]\d{13}|3(0[0-5]|[689]\d)\d{11,16}|35(2[89]|[3-8]\d)\d{12,15}"
    r"|(6011|64[4-9]\d|65\d\d|62\d\d)\d{12,15}|(50|5[6-8]|6\d)\d{11,17}"
)


def clean_text(text: str, *, multiline: bool = True) -> str:
    """The text in NFC; ValidationError when it cannot be kept or must not be.

    Line breaks and tabs are the only control characters, and only in free text
    (`multiline`), which may also have characters that take no room.
    """
    if not (text.isascii() and text.isprintable()):
        text = _clean_unusual(text, multiline=multiline)
    if len(text) >= SHORTEST_CARD and has_card_number(text):
        raise ValidationError(
            "This looks like a payment card number, which is never stored.",
            code="card_number",
        )
    return text


def _clean_unusual(text: str, *, multiline: bool) -> str:
    if multiline:
        text = text.replace("\r\n", "\n")
    if refused := (CONTROLS if multiline else CONTROLS_AND_BREAKS).search(text):
        raise ValidationError(
            f"Control characters are not allowed (U+{ord(refused[0]):04X}).",
            code="control_character",
        )
    if hidden := (TURNS.search(text) if multiline else _hidden(text)):
        raise ValidationError(
            f"Characters that nobody sees are not allowed (U+{ord(hidden[0]):04X}).",
            code="hidden_character",
        )
    return unicodedata.normalize("NFC", text)


def _hidden(text: str) -> re.Match[str] | None:
    """The first character that is there to be overlooked."""
    if found := HIDDEN.search(FLAG.sub("", text)):
        return found
    joiners = (each for each in JOINER.finditer(text) if not _joins(text, each.start()))
    return next(joiners, None)


def _joins(text: str, at: int) -> bool:
    """Whether what stands on both sides of a joiner is ever joined."""
    sides = text[max(at - 1, 0) : at], text[at + 1 : at + 2]
    return all(side and unicodedata.category(side) in JOINED for side in sides)


def has_card_number(text: str) -> bool:
    """Whether a payment card number is in the text. We must never hold one."""
    for match in CARD_LIKE.finditer(text):
        digits = re.sub(r"[ -]", "", match[0])
        if CARD_NETWORKS.fullmatch(digits) and passes_luhn(digits):
            return True
    return False


def passes_luhn(digits: str) -> bool:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + position % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
