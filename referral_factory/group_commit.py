"""Calls that come at the same moment are made by one transaction.

Who comes first is made at once. Who comes while that is under way waits for its end,
and then all who wait are made together, by the thread of one of them. A transaction
costs little more for ten rows than for one, so that the more come at once, the less
each of them costs. Databases write their logs like this: group commit (DeWitt et al.,
Implementation Techniques for Main Memory Database Systems, 1984).
"""

import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Generic, TypeVar, cast

ASIDE = 0.001  # seconds
PATIENCE = 0.2  # seconds that nobody waits longer for the calls of others
LEAD, ALONE = object(), object()

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(eq=False, slots=True)
class _Call(Generic[Q, A]):
    question: Q
    names: frozenset[str]
    # Its answer; or LEAD, where its thread is to make all the calls that wait; or
    # ALONE, where it is to make this one.
    done: "Future[Any]" = field(default_factory=Future)


class GroupCommit(Generic[Q, A]):
    """Makes calls by `make`, which takes some and answers each in its place.

    An answer that is an exception is raised for that call alone. Where `make` itself
    raises, each call is made alone, by its own thread, so that nobody suffers from what
    another one asked: making it again must do no harm.
    """

    def __init__(self, make: Callable[[Sequence[Q]], Sequence[A | Exception]]) -> None:
        self._make = make
        self._lock = Lock()
        # Who waits, by what a call that is under way is about.
        self._waiting: dict[Hashable, list[_Call[Q, A]]] = {}
        # Whether the last calls were made together, whatever they were about.
        self._in_company = False

    def __call__(self, about: Hashable, names: frozenset[str], question: Q) -> A:
        """The answer to one call, or what it raised.

        Calls about different things never wait for each other. Those that share a name
        are made one after the other, in different transactions.
        """
        call: _Call[Q, A] = _Call(question, names)
        if self._comes_first(about, call):
            call.done.set_result(LEAD)
        while (answer := self._await(about, call)) in (LEAD, ALONE):
            call.done = Future()
            if answer is LEAD:
                self._lead(about)
            else:
                self._run([call])
        return cast(A, answer)

    def _await(self, about: Hashable, call: _Call[Q, A]) -> Any:
        """Its answer, LEAD or ALONE: also where those under way take too long."""
        try:
            return call.done.result(PATIENCE)
        except TimeoutError:
            with self._lock:
                waiting = self._waiting.get(about, [])
                if call in waiting and not call.done.done():
                    waiting.remove(call)
                    return ALONE
            return call.done.result()  # it is being made

    def _comes_first(self, about: Hashable, call: _Call[Q, A]) -> bool:
        with self._lock:
            first = about not in self._waiting
            self._waiting.setdefault(about, []).append(call)
            return first

    def _lead(self, about: Hashable) -> None:
        """Make the calls that wait, ours among them; then somebody else leads."""
        calls: list[_Call[Q, A]] = []
        try:
            calls = self._gather(about)
            self._run(calls)
        finally:
            with self._lock:
                self._in_company = len(calls) > 1
                waiting = self._waiting[about]
                if waiting:
                    waiting[0].done.set_result(LEAD)
                else:
                    del self._waiting[about]

    def _gather(self, about: Hashable) -> list[_Call[Q, A]]:
        """Who waits for longest, with all who can be made together with them."""
        self._stand_aside(about)
        with self._lock:
            group: list[_Call[Q, A]] = []
            names: set[str] = set()
            later: list[_Call[Q, A]] = []
            for call in self._waiting[about]:
                (group if names.isdisjoint(call.names) else later).append(call)
                names |= call.names
            self._waiting[about] = later
        return group

    def _stand_aside(self, about: Hashable) -> None:
        """Where several call at once, let those in who are on their way already: they
        are kept from it by us, by a lock that the interpreter has one of."""
        seen = 0
        while self._in_company and len(self._waiting[about]) > seen:
            seen = len(self._waiting[about])
            time.sleep(ASIDE)

    def _run(self, calls: Sequence[_Call[Q, A]]) -> None:
        answers: Sequence[A | BaseException | object]
        try:
            answers = self._make([call.question for call in calls])
        except Exception as error:
            answers = [error] if len(calls) == 1 else [ALONE] * len(calls)
        except BaseException as error:
            answers = [error] * len(calls)  # this process ends: nobody is left waiting
        for call, answer in zip(calls, answers, strict=True):
            if isinstance(answer, BaseException):
                call.done.set_exception(answer)
            else:
                call.done.set_result(answer)
