"""The files of a scheduled report, as bytes, as many as one e-mail carries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from analytics.services.exports import export_report
from analytics.types.exports import ReportFile, ReportFormat
from analytics.types.figures import Range
from events.models import Event
from notifications.models import MAXIMUM_ATTACHED
from notifications.services.files import NewFile


@dataclass(frozen=True, slots=True)
class Written:
    """What goes along, which formats are too large for an e-mail, and whether anything in it is old or missing."""

    files: tuple[NewFile, ...]
    left_out: tuple[ReportFormat, ...]
    is_stale: bool


def write_files(
    event: Event, wanted: Range, formats: Sequence[str], *, now: datetime, most: int = MAXIMUM_ATTACHED
) -> Written:
    """Write an event's report in each of the formats, of at most so many bytes together; the rest is left out."""
    files: list[NewFile] = []
    left_out: list[ReportFormat] = []
    is_stale = False
    for one in formats:
        report_format = ReportFormat(one)
        written = export_report(event, wanted, report_format, now=now)
        try:
            content = _read(written, most - sum(len(file.content) for file in files))
            # Of some formats it is known when all of them was read.
            is_stale = is_stale or written.is_stale
        finally:
            written.close()
        if content is None:
            left_out.append(report_format)
        else:
            kind = written.content_type.partition(";")[0]
            files.append(NewFile(written.filename, kind, content))
    return Written(tuple(files), tuple(left_out), is_stale)


def _read(written: ReportFile, room: int) -> bytes | None:
    """Return the file's bytes; None, and no more read than needed to know it, when there is no room for them."""
    content = bytearray()
    for chunk in written.chunks():
        content += chunk
        if len(content) > room:
            return None
    return bytes(content)
