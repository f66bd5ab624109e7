"""Writes that many callers make at the same moment: one transaction for all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.http import HttpResponse

from referral_factory import prepared
from referral_factory.access.idempotency import Answer, Call, answer_once
from referral_factory.access.models import ApiKey
from referral_factory.group_commit import GroupCommit

# Nobody waits long for a row that another one of their group needs: they go alone then.
BE_QUICK = "SELECT set_config('lock_timeout', '200ms', true)"

Q = TypeVar("Q")


@dataclass(frozen=True, slots=True)
class Asked(Generic[Q]):
    """What a call asks for, in which campaign, and what its answer is about."""

    question: Q
    campaign: UUID
    names: frozenset[str]


class GroupedWrites(Generic[Q]):
    """A write of the API whose calls are made together; each once per Idempotency-Key.

    `read` makes of a body what it asks for, or refuses it. `answer` makes some in a
    transaction that is open, and answers each in its place; an answer that is an
    exception has changed nothing.
    """

    def __init__(
        self,
        read: Callable[[ApiKey, Any], Asked[Q]],
        answer: Callable[[Sequence[Q]], Sequence[Answer]],
    ) -> None:
        self.read = read
        self._answer = answer
        self._group = GroupCommit(self._make)

    def answer(self, key: ApiKey, body: Any, call: Call | None) -> HttpResponse:
        """The answer to a call, once it is committed; raises what refuses it."""
        try:
            asked = self.read(key, body)
        except Exception as error:
            return _answered_before(call, error)
        names = asked.names
        if call:
            names |= {f"idempotency:{call.api_key_id} {call.key}"}
        return self._group(asked.campaign, names, (asked.question, call))

    def _make(self, asked: Sequence[tuple[Q, Call | None]]) -> Sequence[Answer]:
        def make(places: Sequence[int]) -> Sequence[Answer]:
            if len(asked) > 1:
                prepared.execute(BE_QUICK, {})
            return self._answer([asked[n][0] for n in places])

        return answer_once([call for _, call in asked], make)


def _answered_before(call: Call | None, refusal: Exception) -> HttpResponse:
    """The stored answer, from when the call could be read still; or the refusal."""
    if call is None:
        raise refusal
    (answer,) = answer_once([call], lambda _: [refusal])
    if isinstance(answer, Exception):
        raise answer
    return answer
