"""API keys in the Authorization header."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from referral_factory.access import services
from referral_factory.access.models import ApiKey


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer rf_live_...`: the key becomes `request.auth`."""

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        scheme, _, text = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        now = timezone.now()
        key = services.find_key(text.strip().decode("latin-1"))
        # One answer for all of them: it tells a stranger nothing.
        if key is None or not key.works(now):
            raise AuthenticationFailed(
                "This API key is unknown, revoked or expired.", code="invalid_key"
            )
        services.note_use(key, now=now)
        return None, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'
