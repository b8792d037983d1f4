"""Reports with many rows: page by page, little memory, nothing left on disk."""

import tempfile
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import NOW
from analytics.exporting import csv, xlsx
from analytics.files import file_answer
from analytics.tests.exports import (
    FIRST,
    busy_place,
    content_of,
    go_away,
    report_of,
    sheet,
    table,
    workbook,
)
from analytics.tests.factories import Place, make_place
from analytics.tests.figures import nothing_known, sold
from analytics.types.exports import Column, Content, ReportFormat, Section
from common.money import Money
from offers.tests.factories import make_offer
from payments.models import Order

__all__ = ["nothing_known"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    """An event with a bit of everything, in three currencies."""
    return busy_place()


def test_rows_are_read_page_after_page(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ AN-11: each order once, whatever the page's size, also where many came in one instant."""
    for _ in range(9):
        sold(place.offer, NOW - timedelta(hours=1))
    whole = table(content_of(report_of(place, ReportFormat.CSV, FIRST)))
    monkeypatch.setattr("analytics.selectors.details.PAGE", 2)
    paged = table(content_of(report_of(place, ReportFormat.CSV, FIRST)))
    assert len(whole["orders"]) == 13 == len({row["order"] for row in paged["orders"]})
    assert (paged["orders"], paged["ledger"]) == (whole["orders"], whole["ledger"])


def test_a_fixed_number_of_statements(place: Place) -> None:
    """REQ AN-11: for a page of orders the same, whether it has four or forty."""

    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            content_of(report_of(place, ReportFormat.CSV, FIRST))
        return len(asked)

    few = statements()
    for _ in range(12):
        sold(make_offer(event=place.event))
    assert statements() == few


def long_content(count: int) -> Content:
    """Return a report with so many rows, made as they are read."""
    columns = (Column("title", "What"), Column("amount", "Amount"), Column("created_at", "At"))
    rows = ((f"Order {number}", Money(number, "USD"), NOW) for number in range(count))
    section = Section("orders", "Orders", "What was ordered.", columns, rows)
    return Content("Long", "House", "UTC", NOW, NOW, (section,))


def peak(work: Any) -> int:
    """Return the most memory that was held meanwhile, in bytes."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_rows() -> None:
    """REQ AN-11: 3,000 rows more take next to nothing; were they kept, it would be more than twice that."""

    def as_workbook(count: int) -> int:
        with tempfile.TemporaryFile() as file:
            return peak(lambda: xlsx.write(long_content(count), file))

    def as_csv(count: int) -> int:
        return peak(lambda: [len(chunk) for chunk in csv.chunks(long_content(count))])

    as_workbook(10), as_csv(10)  # what is loaded once
    for measure in (as_workbook, as_csv):
        assert measure(4_000) - measure(1_000) < 200_000
    assert peak(lambda: list(long_content(3_000).sections[0].rows)) > 400_000  # what it would be


def orders(place: Place, count: int, name: str = "L") -> None:
    """Write many paid orders, by one statement."""
    template = Order.objects.filter(event=place.event).first()
    assert template is not None
    names = [field.column for field in Order._meta.concrete_fields]
    changed = {
        "id": "gen_random_uuid()", "number": f"'{name}-' || n", "purpose_id": "gen_random_uuid()",
        "created_at": "o.created_at + n * interval '1 second'",
    }  # fmt: skip
    columns = ", ".join(changed.get(name, f"o.{name}") for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO payments_order ({', '.join(names)}) SELECT {columns} FROM payments_order o, "  # noqa: S608
            "generate_series(1, %s) n WHERE o.id = %s",
            [count, template.pk],
        )


def test_memory_does_not_grow_with_the_orders_of_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ AN-11: read from the database too, a page is held at a time."""
    place = make_place()
    sold(place.offer)

    def measure() -> tuple[int, int]:
        lines: list[int] = []
        used = peak(
            lambda: lines.extend(
                chunk.count(b"\n") for chunk in report_of(place, ReportFormat.CSV, FIRST).chunks()
            )
        )
        return used, sum(lines)

    monkeypatch.setattr("analytics.selectors.details.PAGE", 100)
    measure()  # what is loaded once
    orders(place, 300)
    (few, some) = measure()
    orders(place, 1_200, "M")
    (many, more) = measure()
    assert more - some == 1_200
    assert many - few < 500_000


def test_a_sheet_that_is_full_goes_on_in_the_next() -> None:
    """REQ AN-06: no row is lost at Excel's limit."""
    with tempfile.TemporaryFile() as file:
        xlsx.write(long_content(25), file, most_rows=13)
        file.seek(0)
        book = workbook(file.read())
    assert book.sheetnames == ["Orders", "Orders 2", "Orders 3"]
    found = [row["What"] for name in book.sheetnames for row in sheet(book, name)]
    assert found == [f"Order {number}" for number in range(25)]
    assert xlsx.MOST_ROWS == 1_048_576


def failing(content: Content) -> Content:
    """Return a report that fails on its way."""

    def rows() -> Iterator[tuple[Any, ...]]:
        yield from [("a", Money(1, "USD"), NOW)] * 1_000
        raise RuntimeError("no more")

    [section] = content.sections
    content.sections = (Section(section.name, section.title, section.definition, section.columns, rows()),)
    return content


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ AN-11: neither when writing fails, nor when the caller goes away before the first piece or after it."""
    place = make_place()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with tempfile.TemporaryFile() as file, pytest.raises(RuntimeError, match="no more"):
        xlsx.write(failing(long_content(1)), file)
    assert list(tmp_path.iterdir()) == []
    for pieces in (0, 1):
        answer = file_answer(report_of(place, ReportFormat.XLSX))
        for _, piece in zip(range(pieces), answer.streaming_content, strict=False):
            assert piece.startswith(b"PK")
        go_away(answer)
        assert list(tmp_path.iterdir()) == []
    report = report_of(place, ReportFormat.PDF)
    report.close()
    with pytest.raises(ValueError, match="closed"):
        next(report.chunks())
