"""Where claims lead: all that deciding about them looks at, in a query per way."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Q

from referral_factory.errors import InvalidInput
from referral_factory.ids import InvalidId, from_public
from referrals.attribution import BY_CLICK, OUTRIGHT, Claim, Trace, Way
from referrals.cookies import read_cookie
from referrals.mailboxes import canonical, clean
from referrals.models import Campaign, Click, Invitation, Participant
from referrals.services.codes import find_by_codes
from referrals.services.locks import email_name, external_id_name

Row = tuple[Collection[str], Sequence[Claim]]  # a person's names, and their claims
People = dict[tuple[Way, Any], Participant]

COLUMNS = {Way.EXTERNAL_ID: "external_id", Way.EMAIL: "email_canonical"}


def trace_claims(campaign: Campaign, claims: Iterable[Claim]) -> dict[Claim, Trace]:
    """Each claim with the advocate it leads to, if any: nothing is judged yet.

    Who names nobody outright was told so before (see refuse_nowhere). Here it can only
    be a name that one row of the call gave somebody, and another took away.
    """
    keys = {claim: _key(claim, campaign) for claim in claims}
    clicks = _find_clicks(campaign, keys)
    owners = {
        claim: clicks[key].participant_id if key in clicks else key
        for claim, key in keys.items()
    }
    people = _find_people(campaign, owners)
    traces = {}
    for claim, key in keys.items():
        advocate = people.get((claim.way, owners[claim]))
        click = clicks.get(key) if advocate and claim.way in BY_CLICK else None
        traces[claim] = Trace(claim, advocate, click)
    return traces


def with_clicks(traces: Sequence[Trace]) -> list[Trace]:
    """A code that comes with a click on its advocate's link is as old as that click.

    The link adds both to the landing page: a click that is too old must not be
    credited by its code instead.
    """
    clicks = {t.advocate.pk: t.click for t in traces if t.advocate and t.click}
    return [
        replace(trace, click=clicks.get(trace.advocate.pk))
        if trace.claim.way == Way.CODE and trace.advocate
        else trace
        for trace in traces
    ]


def trace_invitations(
    campaign: Campaign, newcomers: Iterable[Participant], *, now: datetime
) -> dict[UUID, Trace]:
    """By friend: the first invitation of their mailbox that still counts.

    Inviters who are not active any more stand in nobody's way. Where all are too
    old it is the first, so that its refusal is kept.
    """
    friends = {p.email_canonical: p.pk for p in newcomers if p.email_canonical}
    if not friends:
        return {}
    window = timedelta(days=campaign.attribution_days)
    stale = ExpressionWrapper(
        Q(created_at__lt=now - window), output_field=BooleanField()
    )
    first = (
        Invitation.objects.filter(
            campaign=campaign,
            email_canonical__in=friends,
            advocate__status=Participant.Status.ACTIVE,
        )
        .select_related("advocate")
        .annotate(stale=stale)
        .order_by("email_canonical", "stale", "created_at", "id")
        .distinct("email_canonical")
    )
    return {friends[each.email_canonical]: _invited(each) for each in first}


def refuse_nowhere(campaign: Campaign, rows: Sequence[Row]) -> dict[int, InvalidInput]:
    """What is wrong with advocates that rows of a batch name outright, by row number.

    To be asked before anybody of the batch is enrolled. An advocate was enrolled
    already, or is in a row before that is not refused itself.
    """
    outright = [[c for c in claims if c.way in OUTRIGHT] for _names, claims in rows]
    known = _known_names(campaign, [c for claims in outright for c in claims])
    faults: dict[int, InvalidInput] = {}
    for number, (names, _claims) in enumerate(rows):
        found = [
            fault for c in outright[number] if (fault := _fault(c, campaign, known))
        ]
        if found:
            faults[number] = found[0]
        else:
            known.update(names)
    return faults


def _key(claim: Claim, campaign: Campaign) -> Any:
    """What a claim is looked up by; None where it cannot lead anywhere."""
    match claim.way:
        case Way.PARTICIPANT:
            return _participant_key(claim)
        case Way.CLICK:
            return click_key(claim.value)
        case Way.COOKIE:
            return read_cookie(claim.value, campaign.pk)
        case Way.EMAIL:
            return canonical(clean(claim.value, claim.pointer))
        case Way.CODE:
            return claim.value.upper()
    return claim.value


def _participant_key(claim: Claim) -> UUID:
    try:
        return from_public(Participant.PREFIX, claim.value)
    except InvalidId as error:
        raise InvalidInput(claim.pointer, str(error)) from error


def click_key(value: str) -> UUID | None:
    """The click that a claim by its id names; None where it can be none."""
    try:
        return from_public(Click.PREFIX, value)
    except InvalidId:
        return None


def _nobody(claim: Claim) -> InvalidInput:
    return InvalidInput(
        claim.pointer, f"No advocate of this campaign has this {claim.way}.", "unknown"
    )


def _find_clicks(campaign: Campaign, keys: dict[Claim, Any]) -> dict[Any, Click]:
    wanted = {key for claim, key in keys.items() if key and claim.way in BY_CLICK}
    if not wanted:
        return {}
    rows = Click.objects.filter(pk__in=wanted, campaign_id=campaign.pk)
    return {click.pk: click for click in rows}


def _find_people(campaign: Campaign, keys: dict[Claim, Any]) -> People:
    """By way and key, whoever answers to it now: merged rows are one person."""
    wanted: dict[Way, set[Any]] = defaultdict(set)
    for claim, key in keys.items():
        if key is not None:
            wanted[claim.way].add(key)
    found: People = {}
    for way, values in wanted.items():
        found |= {(way, key): p for key, p in _people_by(campaign, way, values)}
    merged = {p.merged_into_id for p in found.values()} - {None}
    while merged:
        rows = Participant.objects.in_bulk(merged)
        for named, person in found.items():
            found[named] = rows.get(person.merged_into_id, person)
        merged = {p.merged_into_id for p in found.values()} - {None}
    return found


def _people_by(
    campaign: Campaign, way: Way, values: set[Any]
) -> list[tuple[Any, Participant]]:
    if way == Way.CODE:
        return list(find_by_codes(campaign, values).items())
    column = COLUMNS.get(way, "pk")
    rows = Participant.objects.filter(campaign=campaign, **{f"{column}__in": values})
    return [(getattr(row, column), row) for row in rows]


def _known_names(campaign: Campaign, claims: Sequence[Claim]) -> set[str]:
    keys = {}
    for claim in claims:
        try:
            keys[claim] = _key(claim, campaign)
        except InvalidInput:
            continue  # its row is told so
    people = _find_people(campaign, keys)
    return {_name(way, key) for way, key in people}


def _fault(claim: Claim, campaign: Campaign, known: set[str]) -> InvalidInput | None:
    try:
        name = _name(claim.way, _key(claim, campaign))
    except InvalidInput as fault:
        return fault
    return None if name in known else _nobody(claim)


def _name(way: Way, key: Any) -> str:
    """As `names_of` says it."""
    if way == Way.EXTERNAL_ID:
        return external_id_name(key)
    return email_name(key) if way == Way.EMAIL else str(key)


def _invited(invitation: Invitation) -> Trace:
    claim = Claim(Way.INVITATION, invitation.public_id)
    return Trace(claim, invitation.advocate, invitation=invitation)
