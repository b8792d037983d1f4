"""Reports for tests: ``report_of(place, ReportFormat.CSV)``, and readers that see the files as others do."""

import csv
import io
from datetime import date
from typing import Any

import openpyxl
import pypdf

from accounts.tests.factories import NOW
from analytics.selectors.ranges import range_of
from analytics.services.exports import export_report
from analytics.tests.factories import Place
from analytics.types.exports import ReportFile, ReportFormat

DAY = NOW.date()


def report_of(
    place: Place, report_format: ReportFormat, first: date = DAY, last: date = DAY, **how: Any
) -> ReportFile:
    """Make a report of these days."""
    wanted = range_of(place.event, first, last, now=NOW)
    return export_report(place.event, wanted, report_format, now=how.pop("now", NOW), **how)


def content_of(report: ReportFile) -> bytes:
    """Read a report to its end, and close it."""
    try:
        return b"".join(report.chunks())
    finally:
        report.close()


def table(content: bytes) -> dict[str, list[dict[str, str]]]:
    """Return the rows of a CSV by their section, without empty cells."""
    found: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(content.decode(), newline="")):
        section = row.pop("section")
        found.setdefault(section, []).append({name: cell for name, cell in row.items() if cell})
    return found


def workbook(content: bytes) -> Any:
    """Open a workbook."""
    return openpyxl.load_workbook(io.BytesIO(content))


def sheet(book: Any, name: str) -> list[dict[str, Any]]:
    """Return a sheet's rows by the titles of its columns."""
    rows = list(book[name].values)
    titles = rows[2]
    return [dict(zip(titles, row, strict=True)) for row in rows[3:]]


def text(content: bytes) -> str:
    """Return the text of a PDF, its pages one after the other."""
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
