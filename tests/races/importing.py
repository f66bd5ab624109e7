"""A person who is erased while a file that names them is imported stays erased."""

from functools import partial

from referrals.models import Campaign, Import, ImportFault, ImportPart, Participant
from referrals.services.erasing import erase_participant
from referrals.services.importing import work_on_imports
from referrals.services.imports import receive_file, run_import
from tests.factories import make_campaign, make_participant
from tests.races.together import at_once
from tests.steps import NOON

MARK = "erika"
ROWS = (
    b"email,external_id,name\n"
    b"erika@shop.example,erika-1,Erika\n"
    b"Erika@Shop.example,other-1,Erika again\n"
    b"erika@shop.example,=erika-1,Erika in another way\n"
    b"not an address,erika-1,Erika\n"
    b"fred@shop.example,fred-1,Fred\n"
)


def uploaded(campaign: Campaign) -> Import:
    received = receive_file(campaign, [ROWS], filename="f.csv", by="user:ann")
    return run_import(received, wall=NOON)


def erasing_somebody_while_importing_them_leaves_nothing_of_them() -> None:
    campaign = make_campaign()
    erika = make_participant(
        campaign=campaign, email="erika@shop.example", external_id="erika-1"
    )
    received = uploaded(campaign)

    at_once(
        partial(erase_participant, erika, wall=received.created_at),
        partial(work_on_imports),
    )

    received.refresh_from_db()
    assert received.status == Import.Status.DONE
    assert not ImportPart.objects.filter(owner=received).exists()
    assert traces_of(campaign) == []
    names = campaign.participants.exclude(status="erased").values_list("name")
    assert list(names) == [("Fred",)]


def traces_of(campaign: Campaign) -> list[str]:
    """Where her name still stands."""
    people = Participant.objects.filter(campaign=campaign)
    faults = ImportFault.objects.filter(owner__campaign=campaign)
    texts = [str(row) for row in people.values_list("email", "external_id", "name")]
    texts += [str(row) for row in faults.values_list("values", "detail")]
    return [text for text in texts if MARK in text.lower()]


RACES = [erasing_somebody_while_importing_them_leaves_nothing_of_them]
