"""Writes of many callers in one transaction: each by itself, and once per key."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from rest_framework.response import Response

from referral_factory.access.groups import Asked, GroupedWrites
from referral_factory.access.idempotency import Answer, Call
from referral_factory.access.models import ApiKey
from referrals.models import Participant
from tests.factories import make_participant

# Other connections see what this one has committed.
pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 10  # seconds
CAMPAIGN = UUID(int=1)


class Desk:
    """Holds the rows of people, by name. Who is `first` waits to be let go."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.begun, self.go_on = Event(), Event()
        self.writes = GroupedWrites(self.read, self.answer)
        self.pool = ThreadPoolExecutor(5)

    def read(self, key: ApiKey, body: Any) -> Asked[str]:
        return Asked(body, CAMPAIGN, frozenset())

    def answer(self, names: Sequence[str]) -> list[Answer]:
        self.groups.append(list(names))
        if names == ["first"]:
            self.begun.set()
            assert self.go_on.wait(PATIENCE)
        people = Participant.objects.filter(external_id__in=names)
        assert len(people.select_for_update()) <= len(names)
        return [Response({"name": name}) for name in names]

    def ask(self, name: str, call: Call | None = None) -> Future[HttpResponse]:
        def ask() -> HttpResponse:
            try:
                return self.writes.answer(ApiKey(), name, call)
            finally:
                connection.close()

        return self.pool.submit(ask)

    def until_waiting(self, number: int) -> None:
        while len(self.writes._group._waiting[CAMPAIGN]) < number:
            Event().wait(0.001)

    def ask_together(self, *calls: tuple[str, Call | None]) -> list[Future[Any]]:
        self.ask("first")
        assert self.begun.wait(PATIENCE)
        asked = []
        for number, (name, call) in enumerate(calls, start=1):
            asked.append(self.ask(name, call))
            self.until_waiting(number)
        self.go_on.set()
        return asked


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    with desk.pool:
        yield desk
        desk.go_on.set()


def test_row_that_somebody_holds_stops_only_who_needs_it(desk: Desk) -> None:
    ann = make_participant(external_id="ann")
    with transaction.atomic():
        Participant.objects.select_for_update().get(pk=ann.pk)

        first, second = desk.ask_together(("ann", None), ("ben", None))

        assert second.result(PATIENCE).data == {"name": "ben"}
        assert not first.done()
    assert first.result(PATIENCE).data == {"name": "ann"}
    assert desk.groups[:2] == [["first"], ["ann", "ben"]]


def test_calls_of_one_idempotency_key_are_never_together(desk: Desk) -> None:
    call = Call(UUID(int=2), "k-1", "POST", "/", "hash")

    answers = [each.result(PATIENCE) for each in desk.ask_together(*[("a", call)] * 3)]

    assert desk.groups == [["first"], ["a"]]
    assert [answer.get("Idempotent-Replayed") for answer in answers] == [
        None,
        "true",
        "true",
    ]
