"""EMAIL_URL as Django's settings for e-mail. It knows no app."""

from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from environ import Env

EXAMPLE = "smtp+tls://user:password@mail.example.com:587"
SMTP = {"smtp", "smtps", "smtp+tls", "smtp+ssl"}


def settings_of(url: str) -> dict[str, Any]:
    """The settings that it stands for. One that cannot be read leads nowhere: see
    `fault`, which a system check shows."""
    if url and not fault(url):
        found = dict(Env.email_url_config(url))
        if urlsplit(url).scheme == "filemail":  # Env takes /tmp/mails for tmp/mails
            found["EMAIL_FILE_PATH"] = urlsplit(url).path
        return found
    return {"EMAIL_HOST": "", "EMAIL_HOST_PASSWORD": ""}


def is_set_up() -> bool:
    """Whether anything is sent at all."""
    return bool(settings.EMAIL_URL)


def fault(url: str) -> str:
    """What is wrong with it, without the password that it may hold; or nothing."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "cannot be read"
    if parts.scheme not in Env.EMAIL_SCHEMES:
        return f"starts with {parts.scheme!r}, which we do not know"
    if parts.scheme in SMTP and not parts.hostname:
        return "names no host"
    if port == 0:
        return "names no port that there is"
    return ""


def is_sender(text: str) -> bool:
    """Whether it is an address, with or without a name before it."""
    try:
        validate_email(parseaddr(text)[1])
    except ValidationError:
        return False
    return text.isprintable()
