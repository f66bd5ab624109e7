"""What may be wrong with a file as a whole, or with one of its rows."""

from dataclasses import dataclass

from referral_factory.errors import InvalidInput


class BadFile(InvalidInput):
    """The file cannot be read, or not from here on. `code` says what it is."""

    def __init__(self, code: str, message: str, pointer: str = "/file") -> None:
        super().__init__(pointer, message, code)


@dataclass(frozen=True)
class Flaw:
    """What is wrong with one row; `column` as the file calls it, where it is one."""

    code: str
    detail: str
    column: str = ""
