"""What customers' systems report, judged once and explained: one event or thousands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import transaction

from referral_factory.errors import InvalidInput
from referral_factory.ids import InvalidId, from_public
from referrals.facts import Check, EventFacts
from referrals.ledger import Move
from referrals.mailboxes import canonical, clean
from referrals.models import Campaign, Event, Participant, Referral
from referrals.qualification import CLOCKS_DIFFER
from referrals.services import judging
from referrals.services.books import Books, Kept, entry_of
from referrals.services.campaigns import CampaignNotOpen
from referrals.services.codes import owners_of
from referrals.services.judging import Found
from referrals.services.locks import lock_names, names_of
from referrals.signals import event_unmatched

Outcome = Event.Outcome

API = "api"  # the road that events come in by, unless another is named


@dataclass(frozen=True)
class Report:
    """An event as it was reported. `participant` holds exactly one name of theirs:
    `id`, `code`, `external_id` or `email`."""

    event_id: str
    name: str
    participant: dict[str, str]
    occurred_at: datetime | None = None
    amount: Decimal | None = None
    currency: str = ""
    reverses: str = ""
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded:
    """What became of a report: what was decided about its event."""

    entry: Kept
    books: Books
    repeated: bool = False  # it was known before: nothing happened this time
    moves: Sequence[Move] = ()  # what it did to its person's referral

    @property
    def outcome(self) -> str:
        return "duplicate" if self.repeated else self.entry.outcome

    @cached_property
    def event(self) -> Event:
        return self.books.event(self.entry)

    @property
    def checks(self) -> Sequence[Check]:
        """What was asked, in its order."""
        kept = self.entry.checks
        return kept or [Check(**each) for each in self.event.decision["checks"]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing of this row was kept, and why."""

    error: InvalidInput

    @property
    def code(self) -> str:
        return self.error.code

    @property
    def detail(self) -> str:
        return str(self.error)

    @property
    def pointer(self) -> str:
        return self.error.pointer


def record_event(
    campaign: Campaign, report: Report, *, wall: datetime, source: str = API
) -> Recorded:
    """Store an event and decide, once, what it means: see record_events.

    Raises what refuses it.
    """
    (answer,) = record_events(campaign, [report], wall=wall, source=source)
    if isinstance(answer, Refusal):
        raise answer.error
    return answer


def record_events(
    campaign: Campaign,
    reports: Sequence[Report],
    *,
    wall: datetime,
    source: str = API,
) -> list[Recorded | Refusal]:
    """Store events and decide, once and in their order, what each means.

    An answer for each; a row that is refused leaves the others alone. Systems retry, so
    a known `event_id` changes nothing, whatever else is said with it. An event of
    somebody unknown is kept, and judged when they arrive.

    As many statements for ten thousand as for one, but for what is told of referrals
    that move more than once.
    """
    _refuse_draft(campaign)
    with transaction.atomic(savepoint=False):
        while True:
            call = _Call(campaign, reports, wall=wall, source=source)
            answers = call.answer(hold=True)
            if call.books.write():
                break
            # Somebody recorded one of these meanwhile: by now it is found.
        call.books.announce()
        call.announce_unmatched()
    return answers


def preview_events(
    campaign: Campaign, reports: Sequence[Report], *, wall: datetime
) -> list[Recorded | Refusal]:
    """What record_events would answer now. Nothing is written, nobody waits for it."""
    _refuse_draft(campaign)
    return _Call(campaign, reports, wall=wall, source=API).answer(hold=False)


def match_events_of_person(participant: Participant, *, wall: datetime) -> int:
    """Judge what was reported about somebody before they were enrolled.

    Returns how many events that were.
    """
    people = [participant]
    return match_events_of_people(participant.campaign, people, wall=wall)[
        participant.pk
    ]


@transaction.atomic(savepoint=False)
def match_events_of_people(
    campaign: Campaign, people: Sequence[Participant], *, wall: datetime
) -> dict[UUID, int]:
    """Judge what was reported about these people under names that are theirs by now.

    They are held. Returns how many events of strangers turned out to be theirs.
    """
    names = {name: person.pk for person in people for name in names_of(person)}
    books = Books(campaign, wall)
    waiting = [
        entry_of(row)
        for row in judging.waiting(campaign, [p.pk for p in people], names)
    ]
    found = {person.pk: 0 for person in people}
    for entry in waiting:
        if entry.person is None:
            entry.person = names[entry.name_of_person]
            entry.name_of_person = ""
            found[entry.person] += 1
    _judge_again(books, waiting, [person.pk for person in people])
    return found


def match_events_of_referrals(
    campaign: Campaign, referrals: Iterable[Referral], *, wall: datetime
) -> None:
    """Judge what friends did before we heard who had referred them. They are held."""
    friends = [referral.friend_id for referral in referrals]
    books = Books(campaign, wall)
    waiting = [entry_of(row) for row in judging.waiting(campaign, friends, [])]
    _judge_again(books, waiting, friends)


def _judge_again(books: Books, waiting: Sequence[Kept], people: Sequence[UUID]) -> None:
    """In the order that they happened in. Nobody is told that one waits still."""
    if not waiting:
        return
    books.load(waiting, people)
    for entry in waiting:  # all of them are here: one may take back another
        books.ledger.enter(entry)
    for entry in waiting:
        if entry.outcome == Outcome.UNMATCHED:
            books.judge(entry)
        else:
            books.ledger.judge_waiting(entry, books.now)
    books.write(linked=waiting)
    books.announce()


class _Call:
    """The reports of one call, from their names to their answers."""

    def __init__(
        self,
        campaign: Campaign,
        reports: Sequence[Report],
        *,
        wall: datetime,
        source: str,
    ) -> None:
        self.campaign, self.reports, self.source = campaign, reports, source
        self.books = Books(campaign, wall)
        self.keys = [key_of(report.participant) for report in reports]

    def answer(self, *, hold: bool) -> list[Recorded | Refusal]:
        known = self._find(hold=hold)
        pairs = zip(self.reports, self.keys, strict=True)
        entries = [self._entry(report, key, known) for report, key in pairs]
        people = {entry.person for entry in entries if isinstance(entry.person, UUID)}
        self.books.load(entries, people, hold=hold)
        rows = zip(self.reports, self.keys, entries, strict=True)
        return [self._answer(*row) for row in rows]

    def announce_unmatched(self) -> None:
        waiting = [
            self.books.event(entry)
            for entry in self.books.judged
            if entry.outcome == Outcome.UNMATCHED
        ]
        if waiting:
            event_unmatched.send(sender=Event, instances=waiting)

    def _find(self, *, hold: bool) -> Mapping[str, Found]:
        """Who is meant, held in the order of their ids. Names of nobody come before:
        who is to be held is looked for first, and then all are at once."""
        keys = {key for key in self.keys if isinstance(key, str)}
        alone = len(keys) == 1  # nothing is out of order, whatever is held first
        known = judging.find_people(self.campaign, keys, hold=hold and alone)
        strangers = [key for key in keys - known.keys() if _may_arrive(key)]
        if not hold or (alone and not strangers):
            return known
        if strangers:
            lock_names(self.campaign, strangers)
        return judging.find_people(self.campaign, keys, hold=True)

    def _entry(
        self, report: Report, key: str | InvalidInput, known: Mapping[str, Found]
    ) -> Kept:
        name = key if isinstance(key, str) else ""
        person = known.get(name)
        now = self.books.now
        return Kept(
            event_id=report.event_id,
            facts=EventFacts(
                name=report.name,
                amount=report.amount,
                currency=report.currency,
                occurred_at=_in_utc(report.occurred_at) if report.occurred_at else now,
                event_id=report.event_id,
                source=self.source,
                received_at=now,
                # What somebody erased does counts; what it was is nobody's to keep.
                properties={} if person and person.erased else report.properties,
            ),
            person=person.id if person else None,
            reverses=report.reverses,
            name_of_person="" if person else name,
        )

    def _answer(
        self, report: Report, key: str | InvalidInput, entry: Kept
    ) -> Recorded | Refusal:
        before = self.books.ledger.entries.get(entry.event_id)
        if isinstance(before, Kept):
            return Recorded(before, self.books, repeated=True)
        if fault := self._fault(report, key, entry):
            return Refusal(fault)
        return Recorded(entry, self.books, moves=self.books.judge(entry))

    def _fault(
        self, report: Report, key: str | InvalidInput, entry: Kept
    ) -> InvalidInput | None:
        if report.reverses == report.event_id:
            return InvalidInput("/reverses", "An event cannot take itself back.")
        if entry.facts.occurred_at > self.books.now + CLOCKS_DIFFER:
            now = f"{self.books.now:%Y-%m-%d %H:%M:%S} UTC"
            said = f"That is in the future: it is {now} in this campaign."
            return InvalidInput("/occurred_at", said, "in_the_future")
        if isinstance(key, InvalidInput):
            return key
        if entry.person is None and not _may_arrive(key):
            # Ids and codes are ours: an unknown one can never arrive later.
            kind = next(iter(report.participant))
            said = f"No participant of this campaign has this {kind}."
            return InvalidInput(f"/participant/{kind}", said, "unknown")
        return None


def lookup_of(named: dict[str, str]) -> dict[str, Any]:
    """The columns that one name of a person is looked up by."""
    ((kind, value),) = named.items()
    if kind == "id":
        return {"pk": _uuid(value)}
    if kind == "code":
        return {"pk__in": owners_of(value)}
    if kind == "email":
        return {"email_canonical": canonical(clean(value, "/participant/email"))}
    return {"external_id": value}


def _refuse_draft(campaign: Campaign) -> None:
    if campaign.status == Campaign.Status.DRAFT:
        raise CampaignNotOpen("The campaign was not launched yet.", current="draft")


def names_in(reports: Iterable[Report]) -> list[str]:
    """The names, as locks.py says them, by which strangers may be meant."""
    keys = (key_of(report.participant) for report in reports)
    return [key for key in keys if isinstance(key, str) and _may_arrive(key)]


def key_of(named: dict[str, str]) -> str | InvalidInput:
    """What a person is called, as locks.py says it; or what is wrong with it."""
    ((kind, value),) = named.items()
    if kind == "external_id":
        return f"external_id:{value}"
    try:
        if kind == "email":
            return f"email:{canonical(clean(value, '/participant/email'))}"
        return f"code:{value.upper()}" if kind == "code" else f"id:{_uuid(value)}"
    except InvalidInput as fault:
        return fault


def _may_arrive(key: str) -> bool:
    return key.startswith(("external_id:", "email:"))


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def _uuid(value: str) -> UUID:
    try:
        return from_public("ptc", value)
    except InvalidId as error:
        raise InvalidInput("/participant/id", str(error)) from error
