"""Files of people and events: received in parts, checked, and done row by row."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from referral_factory.ids import Identified
from referral_factory.states import Stateful
from referrals.models.campaign import Campaign


class Import(Identified, Stateful):
    """A CSV file on its way into a campaign.

    `done_rows` moves in the transaction that enrols the rows: a worker that is killed
    leaves a number that is true, and the next one goes on from there.
    """

    PREFIX = "imp"

    class Kind(models.TextChoices):
        PARTICIPANTS = "participants"
        EVENTS = "events"

    class Status(models.TextChoices):
        UPLOADED = "uploaded"  # received; what its columns mean may still be changed
        CHECKING = "checking"  # the dry run is on its way through the file
        CHECKED = "checked"  # it is known what every row would do
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"  # the file as a whole cannot be read
        CANCELLED = "cancelled"

    TRANSITIONS = {
        Status.UPLOADED: {
            Status.CHECKING,
            Status.RUNNING,
            Status.FAILED,
            Status.CANCELLED,
        },
        Status.CHECKING: {
            Status.UPLOADED,  # its columns are given another meaning
            Status.CHECKED,
            Status.FAILED,
            Status.CANCELLED,
        },
        Status.CHECKED: {Status.CHECKING, Status.RUNNING, Status.CANCELLED},
        Status.RUNNING: {Status.DONE, Status.FAILED, Status.CANCELLED},
    }

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="imports")
    kind = models.CharField(  # what its rows are
        max_length=12,
        choices=Kind,
        default=Kind.PARTICIPANTS,
        db_default=Kind.PARTICIPANTS,
    )
    status = models.CharField(max_length=20, choices=Status, default=Status.UPLOADED)
    filename = models.CharField(max_length=255, blank=True)
    size = models.BigIntegerField(default=0)  # bytes
    encoding = models.CharField(max_length=40, blank=True)
    delimiter = models.CharField(max_length=1, blank=True)
    header: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list)
    # Column of the file -> field of its kind; columns left out are not read.
    mapping: "models.JSONField[dict[str, str], dict[str, str]]" = models.JSONField(
        default=dict
    )
    done_rows = models.PositiveIntegerField(default=0)  # of the running pass
    total_rows = models.PositiveIntegerField(null=True, blank=True)
    # Where the next row begins, in bytes from the start of the file.
    position = models.BigIntegerField(default=0)
    created_count = models.PositiveIntegerField(default=0)
    updated_count = models.PositiveIntegerField(default=0)
    unchanged_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    # Rows about somebody, or of an event, that an earlier row was about.
    repeated_count = models.PositiveIntegerField(default=0, db_default=0)
    error = models.CharField(max_length=500, blank=True)  # of the file as a whole
    error_code = models.CharField(max_length=60, blank=True, default="", db_default="")
    made_by = models.CharField(max_length=80)  # "key:key_..." or "user:name"
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)  # by the wall clock
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="finished_import_says_when",
                condition=~models.Q(status__in=["done", "failed", "cancelled"])
                | models.Q(finished_at__isnull=False),
            ),
            models.CheckConstraint(
                name="failed_import_says_why",
                condition=~models.Q(status="failed") | ~models.Q(error=""),
            ),
        ]
        indexes = [
            # For workers that look for something to do.
            models.Index(
                name="import_to_do",
                fields=["id"],
                condition=models.Q(status__in=["checking", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return self.filename or self.public_id


class ImportPart(models.Model):
    """A piece of the file, as it was uploaded. Dropped when the import has ended."""

    owner = models.ForeignKey(Import, models.CASCADE, related_name="parts")
    offset = models.BigIntegerField()  # bytes before it
    data = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_part_per_offset", fields=["owner", "offset"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.owner_id} from {self.offset}"


class ImportName(models.Model):
    """A name that a pass through the file has come across, as half of a keyed hash.

    So the second row of one person is known for that, even in a dry run, which enrols
    nobody. Dropped when the pass ends.
    """

    owner = models.ForeignKey(Import, models.CASCADE, related_name="+")
    digest = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="name_is_seen_once_per_import", fields=["owner", "digest"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.digest:x}"


class ImportFault(models.Model):
    """What is wrong with a row, and the row itself, so that it can be mended."""

    owner = models.ForeignKey(Import, models.CASCADE, related_name="faults")
    row = models.PositiveIntegerField()  # the first row under the header is 1
    column = models.CharField(max_length=200, blank=True)
    code = models.CharField(max_length=60)
    detail = models.CharField(max_length=500)
    values: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list)
    # Whom the row may be about, as halves of keyed hashes: erasing them finds it by
    # these, however the row spells their names.
    names: "ArrayField[list[int] | None, list[int] | None]" = ArrayField(
        models.BigIntegerField(), default=list, null=True, blank=True
    )

    class Meta:
        ordering = ["row", "id"]
        indexes = [models.Index(name="fault_of_import", fields=["owner", "row"])]

    def __str__(self) -> str:
        return f"row {self.row}: {self.code}"
