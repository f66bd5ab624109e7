"""Query parameters: one that we do not know is an error, never ignored."""

from collections.abc import Collection

from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request


class InvalidParameter(ValidationError):
    """A query parameter is wrong: 400, with its name where a field's would be."""

    status_code = 400

    def __init__(self, name: str, message: str, code: str = "invalid") -> None:
        super().__init__({name[:100]: [ErrorDetail(message, code)]})
        self.code = code
        self.summary = f"Query parameter {name[:100]}: {message}"


def refuse_unknown(request: Request, known: Collection[str]) -> None:
    for name in request.query_params:
        if name not in known:
            choices = ", ".join(sorted(known)) or "none"
            message = f"Unknown query parameter. Known here: {choices}."
            raise InvalidParameter(name, message, code="unknown_parameter")


def yes_or_no(request: Request, name: str) -> bool:
    """Whether `?name=true` stands in the query; false where nothing is said."""
    said = request.query_params.getlist(name, ["false"])
    if said not in (["true"], ["false"]):
        raise InvalidParameter(name, "Must be true or false.")
    return bool(said == ["true"])
