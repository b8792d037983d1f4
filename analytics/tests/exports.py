"""Reports for tests: ``report_of(place, ReportFormat.CSV)``, and readers that see the files as others do."""

import csv
import io
from datetime import date, timedelta
from typing import Any

import openpyxl
import pypdf
from django.core.signals import request_finished
from django.db import close_old_connections

from accounts.tests.factories import NOW
from ads.models import AdDaily
from analytics.selectors.ranges import range_of
from analytics.services.exports import export_report
from analytics.services.rollup import refresh
from analytics.tests.experiments import make_experiment, people
from analytics.tests.factories import Place, keep, make_place, told
from analytics.tests.figures import sold
from analytics.types.exports import ReportFile, ReportFormat
from offers.tests.factories import make_offer

DAY = NOW.date()
FIRST = DAY - timedelta(days=2)


def busy_place() -> Place:
    """Return an event with a bit of everything, in three currencies."""
    made = make_place(title="Zürich 2096", time_zone="Europe/Zurich", slug="zurich-2096")
    sold(made.offer, NOW - timedelta(days=1), quantity=2)
    sold(made.offer, back=700)
    sold(make_offer(event=made.event, currency="JPY", price=3000, title="Tokyo"))
    sold(make_offer(event=made.event, currency="KWD", price=12_345, title="Kuwait"), back=1)
    keep(*(told(made, session_token=f"tab-{number}") for number in range(5)), told(made, "OFFER_CLICK"))
    refresh(now=NOW)
    AdDaily.objects.create(
        ad=made.ad, day=DAY, event=made.event, impressions=8, clicks=2, billed_micros=1_234_000, computed_at=NOW
    )  # fmt: skip
    people(
        make_experiment(made.event, running=True, minimum_sample=100), (1000, 100), (1000, 180), value=1999
    )
    return made


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


def go_away(answer: Any) -> None:
    """Close an answer as the server does when its caller is gone, but without the test's connection."""
    request_finished.disconnect(close_old_connections)
    try:
        answer.close()
    finally:
        request_finished.connect(close_old_connections)
