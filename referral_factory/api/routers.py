"""The API's router."""

from rest_framework.routers import SimpleRouter


class Router(SimpleRouter):
    """Routes that answer with and without a slash at the end; nothing redirects."""

    def __init__(self) -> None:
        super().__init__(trailing_slash=False)
        self.trailing_slash = "/?"  # a regular expression, which the argument is not
