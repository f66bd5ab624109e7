"""A ledger filled from the database for one call, and what it says written back."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import Any
from uuid import UUID

import orjson

from referral_factory.ids import new_id
from referrals.conditions import asks_about_people
from referrals.facts import (
    EventFacts,
    Milestone,
    PersonFacts,
    ReferralFacts,
)
from referrals.ledger import Case, Entry, Ledger, Move
from referrals.milestones import campaign_facts, milestone_of
from referrals.models import Campaign, Event, Referral
from referrals.services import judging
from referrals.services.judging import Row
from referrals.services.referrals import tell
from referrals.signals import referral_reversed

Outcome = Event.Outcome
Status = Referral.Status


@dataclass(slots=True, eq=False)
class Kept(Entry):
    """An entry with its row: `stored` as it was before this call, if it was."""

    id: UUID = field(default_factory=new_id)
    name_of_person: str = ""  # while nobody known answers to it
    stored: Row | None = None

    def __hash__(self) -> int:
        return id(self)


class Books:
    """The ledger of one call: load, judge, write, announce, in this order."""

    def __init__(self, campaign: Campaign, wall: datetime) -> None:
        self.campaign, self.wall = campaign, wall
        self.now = campaign.now(wall)
        self.ledger = Ledger(milestone_of(campaign), campaign=campaign_facts(campaign))
        self.judged: list[Kept] = []

    def load(
        self, entries: Sequence[Kept], people: Collection[UUID], *, hold: bool = True
    ) -> None:
        """Gather all that judging these events looks at.

        `people`: whom they are about, held. Their referrals are held from now on.
        """
        cases = self._open_cases(people, hold=hold)
        ids = {entry.event_id for entry in entries}
        ids.update(entry.reverses for entry in entries if entry.reverses)
        rows = judging.events(self.campaign, ids, self._may_reach(cases))
        waiting = {row["participant_id"] for row in rows if self._waits(row)}
        rows += self._counting(entries, cases, waiting)
        at_hand = {entry.event_id for entry in entries if entry.stored}
        by_id: dict[UUID, Kept] = {}
        for row in rows:
            if row["event_id"] not in self.ledger.entries and (
                row["event_id"] not in at_hand
            ):
                kept = by_id[row["id"]] = entry_of(row)
                self.ledger.enter(kept)
        for pk in sorted(by_id):  # in the order in which they came
            if (stored := by_id[pk].stored) and self._waits(stored):
                self.ledger.wait(by_id[pk])
        for row, case in cases:
            case.milestone = by_id.get(row["milestone_event_id"])
        self._read_versions(by_id.values())
        self._read_people(cases)

    def judge(self, entry: Kept) -> Sequence[Move]:
        """Decide what it means; the moves that this brings about."""
        case = self.ledger.cases.get(entry.person)
        before = len(case.moves) if case else 0
        self.ledger.judge(entry, self.now)
        self.judged.append(entry)
        return case.moves[before:] if case else ()

    def write(self, linked: Iterable[Kept] = ()) -> bool:
        """Write what was decided; False where somebody recorded one meanwhile.

        `linked`: events whose person is known by now, with nothing to decide.
        """
        fresh = [entry for entry in self.judged if entry.stored is None]
        rows = [self._row(entry) for entry in fresh]
        if rows and not judging.insert(rows):
            return False
        changed = {each.event_id: each for each in linked}
        changed |= {each.event_id: each for each in self.judged if each.stored}
        for touched in self.ledger.touched.values():
            if isinstance(touched, Kept) and touched.stored:
                changed[touched.event_id] = touched
        if changed:
            judging.update([self._changes(each) for each in changed.values()])
        return True

    def announce(self) -> None:
        """Move the referrals, and tell who listens: one move of each after the other,
        so that who looks at one finds it where it was moved to."""
        moves = [case.moves for case in self.ledger.cases.values() if case.moves]
        for moved in zip_longest(*moves):
            self._move([move for move in moved if move and not move.asks])
            self._ask([move for move in moved if move and move.asks])

    def event(self, entry: Kept) -> Event:
        """The event as Django reads it."""
        if entry.stored and not entry.checks:
            row = {**entry.stored, "decision": orjson.loads(entry.stored["decision"])}
            row["properties"] = orjson.loads(row["properties"])
        else:
            row = {**self._row(entry), "amount": entry.facts.amount}
            row["decision"] = {"checks": [check.as_json() for check in entry.checks]}
        event = Event(**row)
        event.campaign = self.campaign
        event._state.adding = False
        return event

    def _open_cases(
        self, people: Collection[UUID], *, hold: bool
    ) -> list[tuple[Row, Case]]:
        if not people:
            return []
        rows = judging.referrals_of(self.campaign, people, hold=hold)
        cases = [(row, _case_of(row)) for row in rows]
        for _row, case in cases:
            self.ledger.open(case)
        return cases

    def _may_reach(self, cases: Iterable[tuple[Row, Case]]) -> list[UUID]:
        """Whose milestone may be reached now, for what waits to take it back."""
        if not self.ledger.rules.reversal_events:
            return []
        open_yet = {Status.PENDING, Status.HOLDING}
        return [row["friend_id"] for row, _case in cases if row["status"] in open_yet]

    def _waits(self, row: Row) -> bool:
        """For a milestone to take back."""
        names = self.ledger.rules.reversal_events
        return (
            row["outcome"] == Outcome.UNMATCHED
            and not row["reverses"]
            and row["name"] in names
        )

    def _counting(
        self,
        entries: Iterable[Kept],
        cases: Iterable[tuple[Row, Case]],
        waiting: Collection[UUID],
    ) -> list[Row]:
        """What else counts for whom: where it takes several, or some is taken back, or
        would be by what is `waiting`."""
        rules, reversals = self.ledger.rules, self.ledger.is_reversal
        losing = {*waiting, *(each.person for each in entries if reversals(each))}
        several = rules.count is not None or rules.sum is not None
        wanted = [
            row
            for row, case in cases
            if case.person in losing
            or (several and case.referral.status == Status.PENDING)
        ]
        if not wanted:
            return []
        milestones = [row["milestone_event_id"] for row in wanted]
        return judging.counting(
            [row["id"] for row in wanted], [pk for pk in milestones if pk]
        )

    def _read_versions(self, entries: Iterable[Kept]) -> None:
        wanted = {each.version for each in entries if each.counts}
        if older := wanted - {self.ledger.rules.version}:
            terms = judging.versions(self.campaign, older)
            self.ledger.versions |= {
                version: Milestone.from_json(each) for version, each in terms.items()
            }

    def _read_people(self, cases: Iterable[tuple[Row, Case]]) -> None:
        """Friends and advocates, where a condition may ask about them."""
        rules = [self.ledger.rules, *self.ledger.versions.values()]
        if not any(asks_about_people(each.condition) for each in rules):
            return
        both = {row[side] for row, _case in cases for side in SIDES}
        facts = {pk: _person_facts(row) for pk, row in judging.people(both).items()}
        for row, case in cases:
            case.friend = facts[row["friend_id"]]
            case.advocate = facts[row["advocate_id"]]

    def _row(self, entry: Kept) -> Row:
        facts = entry.facts
        return {
            "id": entry.id,
            "campaign_id": self.campaign.pk,
            "event_id": entry.event_id,
            "source": facts.source,
            "name": facts.name,
            "person": entry.name_of_person,
            "participant_id": entry.person,
            "referral_id": entry.referral,
            "amount": None if facts.amount is None else str(facts.amount),
            "currency": facts.currency,
            "properties": facts.properties,
            "reverses": entry.reverses,
            "occurred_at": facts.occurred_at,
            "received_at": facts.received_at,
            "outcome": entry.outcome,
            "counts": entry.counts,
            "rules_version": entry.version,
            "decision": self._decision(entry),
        }

    def _changes(self, entry: Kept) -> Row:
        row = self._row(entry)
        return {name: row[name] for name in judging.JUDGED}

    def _decision(self, entry: Kept) -> Any:
        """None where what was decided before stays as it is."""
        if not entry.checks:
            return None
        return {"checks": [check.fragment for check in entry.checks]}

    def _move(self, moves: Sequence[Move]) -> None:
        if not moves:
            return
        referrals = judging.move([_move_row(move) for move in moves], self.wall)
        for referral in referrals:
            referral.campaign = self.campaign
        tell(referrals)

    def _ask(self, moves: Sequence[Move]) -> None:
        if not moves:
            return
        reasons: dict[Any, str] = {move.case.key: move.reason for move in moves}
        rows = Referral.objects.filter(pk__in=reasons).order_by("id")
        instances = list(rows.select_related("campaign", "advocate", "friend"))
        referral_reversed.send(
            sender=Referral, instances=instances, reasons=reasons, now=self.now
        )


SIDES = ("friend_id", "advocate_id")


def entry_of(row: Row) -> Kept:
    """An event as it is stored."""
    return Kept(
        event_id=row["event_id"],
        facts=EventFacts(
            name=row["name"],
            amount=row["amount"],
            currency=row["currency"],
            occurred_at=row["occurred_at"],
            event_id=row["event_id"],
            source=row["source"],
            received_at=row["received_at"],
            properties=orjson.loads(row["properties"]),
        ),
        person=row["participant_id"],
        reverses=row["reverses"],
        referral=row["referral_id"],
        outcome=row["outcome"],
        counts=row["counts"],
        version=row["rules_version"],
        id=row["id"],
        name_of_person=row["person"],
        stored=row,
    )


def _case_of(row: Row) -> Case:
    marks = orjson.loads(row["marks"])
    return Case(
        key=row["id"],
        person=row["friend_id"],
        referral=ReferralFacts(
            status=row["status"],
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            clicked_at=row["clicked_at"],
            way=row["way"],
            marks=tuple(mark["code"] for mark in marks),
        ),
        holds_until=row["holds_until"],
    )


def _move_row(move: Move) -> Row:
    return {
        "id": new_id(),
        "referral_id": move.case.key,
        "from_status": move.from_status,
        "to_status": move.to_status,
        "reason": move.reason,
        "event_id": _id_of(move.entry),
        "milestone": _id_of(move.milestone),
        "holds_until": move.holds_until,
        "at": move.at,
    }


def _id_of(entry: Entry | None) -> UUID | None:
    return entry.id if isinstance(entry, Kept) else None


def _person_facts(row: Mapping[str, Any]) -> PersonFacts:
    known = {name: value for name, value in row.items() if name != "id"}
    return PersonFacts(**{**known, "attributes": orjson.loads(row["attributes"])})
