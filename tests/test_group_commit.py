"""Calls of one moment are made together; nobody is lost, or suffers from another."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock
from typing import Any

import pytest

from referral_factory.group_commit import GroupCommit

PATIENCE = 10  # seconds


class Desk:
    """Makes calls, and keeps which it made together. The first waits to be let go."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.begun, self.go_on = Event(), Event()
        self.group: GroupCommit[str, str] = GroupCommit(self.make)
        self.pool = ThreadPoolExecutor(10)
        self.lock = Lock()
        self.fails: Callable[[Sequence[str]], BaseException | None] = lambda _: None

    def make(self, questions: Sequence[str]) -> Sequence[str | Exception]:
        with self.lock:
            self.groups.append(list(questions))
        if questions == ["first"]:
            self.begun.set()
            assert self.go_on.wait(PATIENCE)
        if error := self.fails(questions):
            raise error
        return [KeyError(q) if q == "refused" else f"{q}!" for q in questions]

    def ask(self, question: str, about: str = "x", name: str = "") -> Future[str]:
        names = frozenset({name or question})
        return self.pool.submit(self.group, about, names, question)

    def ask_while_busy(self, *questions: str, **names: str) -> list[Future[str]]:
        """Ask these while the first is under way, and then let that one go."""
        calls = [self.ask("first")]
        assert self.begun.wait(PATIENCE)
        for number, question in enumerate(questions, start=1):
            calls.append(self.ask(question, name=names.get(question, "")))
            self.until_waiting(number)
        self.go_on.set()
        return calls

    def until_waiting(self, number: int) -> None:
        pause = Event()
        while len(self.group._waiting["x"]) < number:
            pause.wait(0.001)


@pytest.fixture
def desk() -> Any:
    desk = Desk()
    with desk.pool:
        yield desk
        desk.go_on.set()


def answers(calls: Sequence[Future[str]]) -> list[str]:
    return [call.result(PATIENCE) for call in calls]


def test_who_comes_alone_is_made_alone(desk: Desk) -> None:
    assert answers([desk.ask("a")]) == ["a!"]
    assert answers([desk.ask("b")]) == ["b!"]
    assert desk.groups == [["a"], ["b"]]


def test_who_comes_meanwhile_is_made_together(desk: Desk) -> None:
    calls = desk.ask_while_busy("a", "b", "c")

    assert answers(calls) == ["first!", "a!", "b!", "c!"]
    assert desk.groups == [["first"], ["a", "b", "c"]]


def test_calls_that_share_a_name_are_made_in_their_order(desk: Desk) -> None:
    calls = desk.ask_while_busy("a", "b", "c", a="ann", b="ben", c="ann")

    assert answers(calls) == ["first!", "a!", "b!", "c!"]
    assert desk.groups == [["first"], ["a", "b"], ["c"]]


def test_calls_about_something_else_do_not_wait(desk: Desk) -> None:
    first = desk.ask("first")
    assert desk.begun.wait(PATIENCE)

    assert desk.ask("a", about="y").result(PATIENCE) == "a!"

    assert not first.done()


def test_nobody_waits_for_long_for_another_ones_call(desk: Desk) -> None:
    first = desk.ask("first")
    assert desk.begun.wait(PATIENCE)

    assert answers([desk.ask("a"), desk.ask("b")]) == ["a!", "b!"]

    assert not first.done()
    desk.go_on.set()
    assert answers([first, desk.ask("c")]) == ["first!", "c!"]
    assert desk.group._waiting == {}


def test_what_refuses_one_call_refuses_that_call_alone(desk: Desk) -> None:
    first, a, refused, c = desk.ask_while_busy("a", "refused", "c")

    assert answers([first, a, c]) == ["first!", "a!", "c!"]
    with pytest.raises(KeyError, match="refused"):
        refused.result(PATIENCE)


def test_what_breaks_a_group_breaks_only_whom_it_is_about(desk: Desk) -> None:
    desk.fails = lambda asked: RuntimeError("broken") if "b" in asked else None

    first, a, b, c = desk.ask_while_busy("a", "b", "c")

    assert answers([first, a, c]) == ["first!", "a!", "c!"]
    with pytest.raises(RuntimeError, match="broken"):
        b.result(PATIENCE)
    assert desk.groups[:2] == [["first"], ["a", "b", "c"]]
    assert sorted(desk.groups[2:]) == [["a"], ["b"], ["c"]]


def test_who_must_be_made_alone_keeps_nobody_waiting(desk: Desk) -> None:
    stuck = Event()

    def fail(asked: Sequence[str]) -> BaseException | None:
        if list(asked) == ["a"]:
            assert stuck.wait(PATIENCE)
        return RuntimeError("broken") if len(asked) > 1 else None

    desk.fails = fail

    first, a, b, c = desk.ask_while_busy("a", "b", "c")

    assert answers([first, b, c, desk.ask("d")]) == ["first!", "b!", "c!", "d!"]
    stuck.set()
    assert a.result(PATIENCE) == "a!"


def test_nobody_is_left_waiting_when_the_process_ends(desk: Desk) -> None:
    desk.fails = lambda asked: SystemExit(1) if "a" in asked else None

    calls = desk.ask_while_busy("a", "b")

    for call in calls[1:]:
        with pytest.raises(SystemExit):
            call.result(PATIENCE)


def test_calls_come_again_after_a_group_broke(desk: Desk) -> None:
    desk.fails = lambda asked: RuntimeError("broken") if "a" in asked else None
    with pytest.raises(RuntimeError):
        desk.ask("a").result(PATIENCE)

    assert answers([desk.ask("b")]) == ["b!"]
    assert desk.group._waiting == {}


def test_of_a_thousand_calls_each_gets_its_own_answer() -> None:
    group: GroupCommit[int, int] = GroupCommit(lambda asked: [2 * n for n in asked])

    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda n: group("x", frozenset({str(n % 7)}), n), range(1000))
        )

    assert found == [2 * n for n in range(1000)]
    assert group._waiting == {}
