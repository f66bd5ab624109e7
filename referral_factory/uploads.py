"""Files that are sent to the API: kept on disk while they arrive, never in memory.

Both ways of sending one give the view the file under `file` and the rest beside it, and
leave a hash of all of it for Idempotency-Key.
"""

import hashlib
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from rest_framework.exceptions import APIException
from rest_framework.parsers import BaseParser, MultiPartParser

UNNAMED = "upload.csv"
PIECE = 1024 * 1024  # bytes
BESIDE_IT = 1024 * 1024  # what a form may hold beside its file


def max_bytes() -> int:
    return int(settings.IMPORT_MAX_MB) * 1024 * 1024


def too_large() -> str:
    return f"The file is larger than {settings.IMPORT_MAX_MB} MB (IMPORT_MAX_MB)."


class UploadTooLarge(APIException):
    status_code = 413
    default_code = "file_too_large"

    def __init__(self) -> None:
        super().__init__(too_large())


class CsvParser(BaseParser):
    """The file as it is, as the body; the rest is in the query."""

    media_type = "text/csv"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        context: Any = parser_context or {}
        request = context["request"]
        file = _kept(stream)
        request._request._files = MultiValueDict({"file": [file]})  # closed with it
        context["body_hash"] = _hash_of({}, file)
        return {**request.query_params.dict(), "file": file}


class FormParser(MultiPartParser):
    """A form with the file in it; Django keeps all but the smallest on disk."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        context: Any = parser_context or {}
        parsed = super().parse(stream, media_type, parser_context)
        file: Any = parsed.files.get("file")
        if file is not None and file.size > max_bytes():
            file.close()
            raise UploadTooLarge
        context["body_hash"] = _hash_of(parsed.data.dict(), file)
        return parsed


def _kept(stream: IO[bytes]) -> UploadedFile:
    with ExitStack() as unless_kept:
        file = unless_kept.enter_context(
            tempfile.SpooledTemporaryFile(
                max_size=PIECE, dir=settings.FILE_UPLOAD_TEMP_DIR
            )
        )
        size = 0
        while piece := stream.read(PIECE):
            size += len(piece)
            if size > max_bytes():
                raise UploadTooLarge
            file.write(piece)
        file.seek(0)
        unless_kept.pop_all()
        return UploadedFile(file, name=UNNAMED, size=size)


def _hash_of(fields: Mapping[str, str], file: UploadedFile | None) -> str:
    """Of what was sent, however the form's parts were separated."""
    found = hashlib.sha256(repr(sorted(fields.items())).encode())
    if file is not None:
        found.update(repr(file.name).encode())
        for piece in file.chunks(PIECE):
            found.update(piece)
        file.seek(0)
    return found.hexdigest()
