"""Cells of CSV files that people open in spreadsheets (OWASP ASVS 1.2.10)."""

# What a spreadsheet takes for the start of a formula, in both widths.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0", "＝", "＋", "－", "＠")  # noqa: RUF001 - meant


def computed(text: str) -> bool:
    """Whether a spreadsheet would compute the cell instead of showing it."""
    return text.lstrip(" \n").startswith(FORMULA)


def safe(cell: object) -> str:
    """A cell that every spreadsheet shows as it is: an apostrophe keeps it text."""
    text = str(cell)
    return f"'{text}" if computed(text.lstrip("'")) else text


def plain(text: str) -> str:
    """What was in the cell before `safe`."""
    return text[1:] if text[:1] == "'" and computed(text[1:].lstrip("'")) else text
