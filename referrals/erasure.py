"""What there is to forget about somebody: for every app that keeps some of it."""

import re
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from referrals.models import Participant

LEAST = 3  # characters: of less, a word says nothing of anybody
GONE = "[erased]"


@dataclass(frozen=True)
class Erasure:
    """One person who is being erased: what is about them, and what names them.

    `participant` is their row as it is now, with nothing of theirs left in it.
    """

    participant: Participant
    people: tuple[UUID, ...]  # their row, and those that were merged into it
    referrals: tuple[UUID, ...]  # of either side
    friends: tuple[UUID, ...]
    events: tuple[UUID, ...]
    mailboxes: frozenset[str]
    external_id: str
    codes: frozenset[str]
    name: str
    addresses: frozenset[str]

    @property
    def words(self) -> frozenset[str]:
        """What names them, wherever it is written."""
        named = {*self.mailboxes, self.external_id, self.name, *self.codes}
        return frozenset(word for word in named if len(word) >= LEAST)

    def redacted(self, text: str) -> str:
        """A text that somebody wrote, with every word that names them taken out."""
        return self._spelled_out.sub(GONE, text) if self.words else text

    @cached_property
    def _spelled_out(self) -> re.Pattern[str]:
        longest_first = sorted(self.words, key=len, reverse=True)
        any_word = "|".join(map(re.escape, longest_first))
        return re.compile(rf"(?<!\w)(?:{any_word})(?!\w)", re.IGNORECASE)
