"""How imports look from outside."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from referral_factory.wire import IdField, MomentField
from referrals.files.incoming import UTF8
from referrals.models import Import, ImportFault
from referrals.services.importing import sample_readings

SAMPLE = 5  # rows
GUESSED = (
    "The file is not in UTF-8. It is read as Windows-1252, which is a guess: see "
    "whether the names in the sample look right."
)
REPEATED: dict[str, str] = {
    Import.Kind.PARTICIPANTS: "Rows about somebody whom an earlier row was about: {}. "
    "The later row updates what the earlier one said.",
    Import.Kind.EVENTS: "Rows with the event_id of an earlier row: {}. The earlier row "
    "counts, and the later one changes nothing.",
}
NO_NAME = "No column says what happened: every row is taken for the milestone, {}."
NO_CURRENCY = "No column says the currency: all amounts are taken for {}."


class ErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class ProgressSerializer(serializers.Serializer[Any]):
    rows = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True)
    percent = serializers.IntegerField()


class RowCountsSerializer(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    failed = serializers.IntegerField()
    repeated = serializers.IntegerField()


class ImportSerializer(serializers.Serializer[Import]):
    id = IdField("imp")
    campaign = IdField("cmp", source="campaign_id")
    kind = serializers.ChoiceField(Import.Kind.choices)
    status = serializers.ChoiceField(Import.Status.choices)
    filename = serializers.CharField()
    size = serializers.IntegerField()
    encoding = serializers.SerializerMethodField()
    delimiter = serializers.CharField()
    header = serializers.ListField(child=serializers.CharField())
    mapping = serializers.DictField(child=serializers.CharField())
    unmapped = serializers.SerializerMethodField()
    notes = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    counts = serializers.SerializerMethodField()
    faults_url = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    made_by = serializers.CharField()
    created_at = MomentField()
    started_at = MomentField()
    finished_at = MomentField()

    def get_encoding(self, received: Import) -> str:
        return "utf-8" if received.encoding == UTF8 else "windows-1252"

    def get_unmapped(self, received: Import) -> list[str]:
        return [name for name in received.header if name not in received.mapping]

    def get_notes(self, received: Import) -> list[str]:
        """What a person should know before they run it."""
        notes = [] if received.encoding == UTF8 else [GUESSED]
        if received.kind == Import.Kind.EVENTS:
            notes += _left_out(received)
        if received.repeated_count:
            notes.append(REPEATED[received.kind].format(received.repeated_count))
        return notes

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, received: Import) -> dict[str, Any]:
        return {
            "rows": received.done_rows,
            "total": received.total_rows,
            "percent": percent(received),
        }

    @extend_schema_field(RowCountsSerializer)
    def get_counts(self, received: Import) -> dict[str, int]:
        names = [str(name) for name in RowCountsSerializer().fields]
        return {name: getattr(received, f"{name}_count") for name in names}

    def get_faults_url(self, received: Import) -> str:
        return f"/api/v1/imports/{received.public_id}/faults.csv"

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, received: Import) -> dict[str, str] | None:
        if not received.error:
            return None
        return {"code": received.error_code, "detail": received.error}


class SampleRowSerializer(serializers.Serializer[Any]):
    """One of the first rows, as it would be read."""

    row = serializers.IntegerField()
    read = serializers.JSONField()
    cells = serializers.ListField(child=serializers.CharField())
    faults = serializers.ListField(child=serializers.JSONField())


class ImportWithSampleSerializer(ImportSerializer):
    sample = serializers.SerializerMethodField()

    @extend_schema_field(SampleRowSerializer(many=True))
    def get_sample(self, received: Import) -> list[dict[str, Any]]:
        """The first rows as they would be read, while the file is kept."""
        return sample_of(received)


class ImportFaultSerializer(serializers.Serializer[ImportFault]):
    row = serializers.IntegerField()
    column = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()
    values = serializers.ListField(child=serializers.CharField())


def _left_out(received: Import) -> list[str]:
    fields, campaign = received.mapping.values(), received.campaign
    notes = [] if "name" in fields else [NO_NAME.format(campaign.milestone_event)]
    if "amount" in fields and "currency" not in fields:
        notes.append(NO_CURRENCY.format(campaign.currency))
    return notes


def percent(received: Import) -> int:
    """Of the pass that is under way, or of the last one."""
    if received.status in {Import.Status.CHECKED, Import.Status.DONE}:
        return 100
    return min(99, received.position * 100 // max(received.size, 1))


def sample_of(received: Import) -> list[dict[str, Any]]:
    shown = []
    for reading in sample_readings(received, SAMPLE):
        faults = [
            {"column": flaw.column, "code": flaw.code, "detail": flaw.detail}
            for flaw in reading.flaws
        ]
        read = {"row": reading.number, "read": reading.given, "faults": faults}
        shown.append({**read, "cells": reading.values})
    return shown
