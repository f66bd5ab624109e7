"""Secrets at rest: encrypted with a key that comes from SECRET_KEY.

While SECRET_KEY changes, SECRET_KEY_FALLBACKS still open what older keys closed.
"""

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def encrypt(secret: str) -> str:
    return _keys().encrypt(secret.encode()).decode()


def decrypt(encrypted: str) -> str:
    return _open(encrypted, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=2048)
def _open(encrypted: str, *keys: str) -> str:
    return _ring(*keys).decrypt(encrypted.encode()).decode()


def _keys() -> MultiFernet:
    return _ring(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


def _ring(*keys: str) -> MultiFernet:
    return MultiFernet([Fernet(_derive(key)) for key in keys])


def _derive(key: str) -> bytes:
    """A Fernet key for this one purpose: SECRET_KEY signs other things elsewhere."""
    digest = hashlib.sha256(b"webhooks.secrets:" + key.encode()).digest()
    return base64.urlsafe_b64encode(digest)
