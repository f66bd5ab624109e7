"""Why a person decided as they did: every such decision keeps it."""

from referral_factory.errors import InvalidInput


def required(note: str) -> str:
    """The note, trimmed; InvalidInput where it says nothing."""
    if not note.strip():
        raise InvalidInput("/note", "Say why: the books keep it.", "required")
    return note.strip()
