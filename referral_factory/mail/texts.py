"""Our own wording of each kind, in the language of the installation."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from referral_factory.mail.models import Kind


@dataclass(frozen=True)
class Text:
    subject: str
    body: str


# What may stand in braces, and where. A subject has no links.
PLACEHOLDERS: dict[Kind, frozenset[str]] = {
    Kind.CONFIRMATION: frozenset({"name", "campaign", "confirm"}),
    Kind.WELCOME: frozenset({"name", "campaign", "link", "portal"}),
    Kind.REWARD: frozenset({"name", "campaign", "link", "portal", "amount"}),
}
LINKS = frozenset({"link", "portal", "confirm"})
NEEDED = {Kind.CONFIRMATION: "confirm"}  # without it, the message is of no use


def default(kind: str) -> Text:
    return _DEFAULTS[Kind(kind)]()


def button(placeholder: str) -> str:
    """What a link that stands by itself says; empty: its own address."""
    labels = {"confirm": _("Confirm my address"), "portal": _("Open my page")}
    return labels.get(placeholder, "")


def footer(kind: str, campaign: str) -> str:
    """Why somebody gets this."""
    if kind == Kind.CONFIRMATION:
        said = _(
            "Somebody entered this address on a page of %(campaign)s. If it was not "
            "you, do nothing: without your answer, nobody is enrolled."
        )
    else:
        said = _("You get this because you take part in %(campaign)s.")
    return said % {"campaign": campaign}


def test_mode(subject: str) -> str:
    return _("[Test] %(subject)s") % {"subject": subject}


def _confirmation() -> Text:
    return Text(
        _("Please confirm your address for {campaign}"),
        _(
            "Hello {name},\n\n"
            "thank you for joining {campaign}. Please confirm that this address is "
            "yours:\n\n"
            "{confirm}\n\n"
            "Your own link is ready as soon as you have."
        ),
    )


def _welcome() -> Text:
    return Text(
        _("Your link for {campaign}"),
        _(
            "Hello {name},\n\n"
            "welcome to {campaign}. This is your own link; send it to your friends:\n\n"
            "{link}\n\n"
            "Your page shows who came through it, and what you have earned. It is "
            "yours alone, so keep its address to yourself:\n\n"
            "{portal}"
        ),
    )


def _reward() -> Text:
    return Text(
        _("Your reward: {amount}"),
        _(
            "Hello {name},\n\n"
            "good news: your reward of {amount} for {campaign} has been issued.\n\n"
            "{portal}\n\n"
            "More friends? This is still your link:\n\n"
            "{link}"
        ),
    )


_DEFAULTS: dict[Kind, Callable[[], Text]] = {
    Kind.CONFIRMATION: _confirmation,
    Kind.WELCOME: _welcome,
    Kind.REWARD: _reward,
}
