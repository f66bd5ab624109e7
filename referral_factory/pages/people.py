"""How a page for the public names somebody: by no more than it takes."""

import re

LONGEST = 40
# A mailbox, an address of the web or a telephone number that was entered as a name.
TELLS_TOO_MUCH = re.compile(r"[@/\d]|www\.", re.I)


def first_name(name: str) -> str:
    """'Ann' of 'Ann Lee'; nothing where what stands there is no name."""
    words = name.split()
    if not words or TELLS_TOO_MUCH.search(words[0]):
        return ""
    return words[0][:LONGEST]


def short_name(name: str) -> str:
    """'Ann L.' of 'Ann Mary Lee'."""
    first, words = first_name(name), name.split()
    if not first or len(words) == 1 or not words[-1][0].isalpha():
        return first
    return f"{first} {words[-1][0].upper()}."
