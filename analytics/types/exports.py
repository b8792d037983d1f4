"""A report as a file: its formats, what stands in it, and the file that comes of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from django.db.models import TextChoices

from common.money import Money


class ReportFormat(TextChoices):
    """What a report can be had as."""

    CSV = "csv", "CSV"
    XLSX = "xlsx", "Excel"
    PDF = "pdf", "PDF"


CONTENT_TYPES: Final = {
    ReportFormat.CSV: "text/csv; charset=utf-8",
    ReportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ReportFormat.PDF: "application/pdf",
}


@dataclass(frozen=True, slots=True)
class Rate:
    """A share: 0.125 is 12.5 %. None: there is nothing below it."""

    fraction: float | None


# What a cell may hold. Each format writes it as its own kind of thing; None is an empty cell.
Cell = str | int | float | Decimal | Rate | Money | date | datetime | None


@dataclass(frozen=True, slots=True)
class Note:
    """In place of a row: why there are no more rows."""

    text: str


Row = tuple[Cell, ...] | Note


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name for programs, its title for people, its width in characters of a spreadsheet.

    ``is_on_paper``: whether the PDF has it; of money it shows the currency with the amount.
    """

    name: str
    title: str
    width: int = 14
    is_on_paper: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    """One table of a report: a sheet in Excel, a value of the first column in CSV, a heading in PDF.

    ``rows`` can be walked once. ``is_long``: a row for each thing that happened, which a PDF leaves out.
    """

    name: str
    title: str
    definition: str
    columns: tuple[Column, ...]
    rows: Iterable[Row]
    notes: tuple[str, ...] = ()
    is_long: bool = False


@dataclass(slots=True)
class Content:
    """All that a report says, whatever it is written as.

    ``notes`` are of the whole report; ``missing`` names what could not be had, also while the rows are read.
    """

    title: str
    organization: str
    zone: str
    as_of: datetime
    written_at: datetime
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()
    missing: list[str] = field(default_factory=list)
    is_figures_stale: bool = False

    @property
    def is_stale(self) -> bool:
        """Say whether anything in it is old, or could not be had so far."""
        return self.is_figures_stale or bool(self.missing)


class ReportFile:
    """A written report. Read it once by ``chunks``, and ``close`` it whatever happens: what it took on disk goes."""

    def __init__(
        self, *, filename: str, report_format: ReportFormat, content: Content,
        chunks: Iterator[bytes], close: Callable[[], None],
    ) -> None:  # fmt: skip
        self.filename = filename
        self.content_type = CONTENT_TYPES[report_format]
        self._content = content
        self._chunks = chunks
        self._close = close

    @property
    def is_stale(self) -> bool:
        """Say whether anything in it is old or missing; of a CSV that is known when its last chunk was read."""
        return self._content.is_stale

    @property
    def as_of(self) -> datetime:
        """When the oldest of its figures was computed."""
        return self._content.as_of

    def chunks(self) -> Iterator[bytes]:
        """Yield the file, piece by piece, once."""
        return self._chunks

    def close(self) -> None:
        """Let go of what it took. Harmless a second time."""
        self._close()
