"""Callers of the API, for tests."""

from typing import Any

from rest_framework.test import APIClient

from referral_factory.access.models import ApiKey
from referral_factory.access.services import ALL_SCOPES, create_key


def make_key(**fields: Any) -> tuple[ApiKey, str]:
    defaults = {"name": "Backend", "mode": "live", "scopes": ALL_SCOPES}
    return create_key(**{**defaults, **fields})


def caller(text: str) -> APIClient:
    """A client that shows this key, and gets answers rather than exceptions."""
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client
