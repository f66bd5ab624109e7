"""What the rows of a file are."""

from referrals.files.columns import Columns
from referrals.files.events import Events
from referrals.files.people import People
from referrals.files.readings import Kind
from referrals.models import Import

COLUMNS: dict[str, Columns] = {
    Import.Kind.PARTICIPANTS: People.columns,
    Import.Kind.EVENTS: Events.columns,
}


def columns_of(received: Import) -> Columns:
    return COLUMNS[received.kind]


def kind_of(received: Import) -> Kind:
    if received.kind == Import.Kind.PARTICIPANTS:
        return People()
    campaign = received.campaign
    return Events(name=campaign.milestone_event, currency=campaign.currency)
