"""The rows of an import that have faults, as a CSV file that can be mended."""

import csv
from collections.abc import Iterator
from itertools import groupby

from django.http import StreamingHttpResponse

from referral_factory.spreadsheets import safe
from referrals.models import Import, ImportFault

ABOUT = ("row", "column", "code", "what is wrong")
BOM = "\ufeff"  # without it Excel takes UTF-8 for something else


def fault_file(received: Import) -> StreamingHttpResponse:
    """Streamed: there may be as many bad rows as there are rows."""
    response = StreamingHttpResponse(_lines(received), content_type="text/csv")
    name = f"faults-{received.public_id}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, line: str) -> str:
        return line


def _lines(received: Import) -> Iterator[bytes]:
    writer = csv.writer(_Echo())
    yield BOM.encode()
    for cells in _rows(received):
        yield str(writer.writerow([safe(cell) for cell in cells])).encode()


def _rows(received: Import) -> Iterator[list[object]]:
    """The columns of the file, then what is wrong; each row once, with all faults.

    What a row has beyond the header's columns stands at its end.
    """
    width = len(received.header)
    yield [*received.header, *ABOUT]
    found = received.faults.order_by("row", "id").iterator(chunk_size=500)
    for number, faults in groupby(found, key=lambda fault: fault.row):
        all_of_it = list(faults)
        cells = [*all_of_it[0].values, *[""] * width]
        beyond = all_of_it[0].values[width:]
        yield [*cells[:width], number, *_about(all_of_it), *beyond]


def _about(faults: list[ImportFault]) -> list[str]:
    return [
        "; ".join(dict.fromkeys(each for each in texts if each))
        for texts in (
            [fault.column for fault in faults],
            [fault.code for fault in faults],
            [fault.detail for fault in faults],
        )
    ]
