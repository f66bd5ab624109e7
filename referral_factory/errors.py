"""What the domain says when it refuses."""

from typing import Any


class DomainError(Exception):
    """A rule said no. Expected, explainable, and never a bug.

    Each subclass sets `code`, which API clients may rely on. The message is for
    people and may change. `facts` are added to the problem document as they are.
    """

    code: str

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.facts = facts


class InvalidInput(DomainError):
    """A value that only the domain can judge is wrong: a 422 that names the field."""

    code = "invalid"

    def __init__(self, pointer: str, message: str, code: str = "invalid") -> None:
        super().__init__(message)
        self.pointer = pointer
        self.code = code
