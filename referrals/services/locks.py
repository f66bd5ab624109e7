"""Locks that several services take, and the order of all locks.

Names first; then people, in the order of their ids, all that a call is about at once;
then the campaign; then referrals, in the order of theirs. A referral is locked before
its rewards; who holds the campaign waits for no referral but those of its own making.
Whoever needs one person's row before all else (an event, a confirmation) may go on to
names only where there is no row. The ids of events come after referrals.

Who cannot keep to this order (merging, erasing) waits for no row while holding one: see
patience.py.
"""

from collections.abc import Iterable, Mapping
from zlib import crc32

from referral_factory import prepared
from referrals.models import Campaign, Participant


def external_id_name(external_id: str) -> str:
    return f"external_id:{external_id}"


def email_name(mailbox: str) -> str:
    return f"email:{mailbox}"


def names_of(participant: Participant) -> list[str]:
    """The names that an event may have called this person by: see Event.person."""
    return names_as(participant.external_id, participant.email_canonical)


def names_as(external_id: str | None, mailbox: str | None) -> list[str]:
    return [
        *([external_id_name(external_id)] if external_id else []),
        *([email_name(mailbox)] if mailbox else []),
    ]


# A name has a lock of its own, but for chance: in one order, so that two calls never
# wait for each other in a circle. A call about many takes ALL of them instead; the
# others share that one. A server as it comes has room for 6,400 locks: for what twenty
# connections take at once.
SPACE = 0x6E616D65  # of these locks among all advisory locks
ALL = -1
SLOTS = 1 << 22
MANY = 250  # names
HOLD = """
    SELECT count(pg_advisory_xact_lock(%(space)s::int, slot))
    FROM (SELECT pg_advisory_xact_lock_shared(%(space)s::int, %(all)s::int)) AS first,
        unnest(%(slots)s::int[]) AS slot
"""
HOLD_ALL = "SELECT pg_advisory_xact_lock(%(space)s::int, %(all)s::int)"


def lock_names(campaign: Campaign, names: Iterable[str]) -> None:
    """Hold names that belong to nobody yet until the transaction ends.

    An enrolment and an event of the same unknown person wait for each other here:
    whichever is second sees the first.
    """
    lock_names_of({campaign: names})


def lock_names_of(names: Mapping[Campaign, Iterable[str]]) -> None:
    """As lock_names, in several campaigns: all at once, since they share the slots."""
    slots = sorted({slot_of(each, name) for each in names for name in names[each]})
    held = {"space": SPACE, "all": ALL}
    if len(slots) > MANY:
        prepared.execute(HOLD_ALL, held)
    else:
        prepared.execute(HOLD, {**held, "slots": prepared.array(slots)})


def slot_of(campaign: Campaign, name: str) -> int:
    return crc32(campaign.pk.bytes + name.encode()) % SLOTS


def lock_campaign(campaign: Campaign) -> None:
    """One at a time may change who referred whom among people already enrolled."""
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
