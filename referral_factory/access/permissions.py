"""What a key may do."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from referral_factory.access.models import ApiKey


class HasScope(BasePermission):
    """The key has the scope that the route asks for; a route must say which."""

    code = "missing_scope"

    def has_permission(self, request: Request, view: Any) -> bool:
        key = request.auth
        if not isinstance(key, ApiKey):
            return False  # no key at all: REST framework makes it a 401
        scope: str | None = view.required_scope()
        self.message = f"This API key lacks the scope {scope}."
        return scope is None or scope in key.scopes
