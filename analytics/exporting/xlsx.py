"""A report as an Excel workbook: a sheet a section, cells typed, rows written to disk as they come."""

import re
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO, Any, Final

from analytics.types.exports import Cell, Content, Note, Rate, Section
from common.money import Money, format_money
from common.plain_text import plain

# Excel: "Worksheet size", rows; one of them and those above it hold the header.
MOST_ROWS: Final = 1_048_576
_HEADER: Final = 2
_OPTIONS: Final = {
    "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
}  # fmt: skip
_FORMATS: Final = {
    "header": {"bold": True, "bg_color": "#E8E6F0", "bottom": 1},
    "told": {"italic": True, "font_color": "#444444"},
    "note": {"bold": True, "font_color": "#9C2A10"},
    "count": {"num_format": "#,##0"},
    "number": {"num_format": "0.00##"},
    "rate": {"num_format": "0.00%"},
    "day": {"num_format": "yyyy-mm-dd", "align": "left"},
    "time": {"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"},
    "gone": {"align": "right", "font_color": "#666666"},
}


def write(content: Content, into: IO[bytes], *, most_rows: int = MOST_ROWS) -> None:
    """Write the workbook. What it needs on disk meanwhile is gone when this returns or fails.

    A section with more rows than a sheet holds (``most_rows``) goes on in a next sheet.
    """
    import xlsxwriter

    with tempfile.TemporaryDirectory(prefix="report-") as folder:
        book = xlsxwriter.Workbook(into, {**_OPTIONS, "tmpdir": folder})
        book.set_properties({
            "title": plain(content.title), "company": plain(content.organization),
            "created": content.written_at.astimezone(UTC).replace(tzinfo=None),
        })  # fmt: skip
        pen = _Pen(book)
        try:
            for section in content.sections:
                _Sheets(book, pen, section, content.zone, most_rows).write()
        finally:
            # Also after a failure: it holds open files in the folder.
            book.close()


def number_format(currency: str) -> str:
    """Return Excel's format of a currency's amounts, the same as ``format_money`` writes them."""
    found = re.fullmatch(r"(\D*)0(\.0+)?(\D*)", format_money(Money(0, currency)))
    if found is None:
        raise ValueError(f"no number in an amount of {currency}")
    before, decimals, after = found.groups()
    number = f'"{before}"#,##0{decimals or ""}' if before else f"#,##0{decimals or ''}"
    shown = f'{number}"{after}"' if after else number
    return f"{shown};-{shown}"


class _Pen:
    """Writes a cell as what it is, in its format."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._formats = {name: book.add_format(given) for name, given in _FORMATS.items()}
        self._money: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """Return a format by its name."""
        return self._formats[name]

    def text(self, sheet: Any, at: tuple[int, int], text: str, name: str | None = None) -> None:
        """Write text as text, whatever it begins with."""
        sheet.write_string(*at, plain(text), *([self._formats[name]] if name else []))

    def cell(self, sheet: Any, at: tuple[int, int], cell: Cell) -> None:
        """Write a cell; nothing for none."""
        if cell is not None:
            self._by_kind(cell)(sheet, at, cell)

    def _by_kind(self, cell: Cell) -> Callable[[Any, tuple[int, int], Any], None]:
        for kind, write_it in (
            (str, self.text), (Money, self._amount), (Rate, self._rate), (datetime, self._time), (date, self._day),
            (int, self._count),
        ):  # fmt: skip
            if isinstance(cell, kind):
                return write_it
        return self._number

    def _amount(self, sheet: Any, at: tuple[int, int], money: Money) -> None:
        shape = self._money.get(money.currency)
        if shape is None:
            shape = self._money[money.currency] = self._book.add_format(
                {"num_format": number_format(money.currency)}
            )
        sheet.write_number(*at, float(money.decimal), shape)

    def _rate(self, sheet: Any, at: tuple[int, int], rate: Rate) -> None:
        if rate.fraction is None:
            sheet.write_string(*at, "N/A", self._formats["gone"])
        else:
            sheet.write_number(*at, rate.fraction, self._formats["rate"])

    def _time(self, sheet: Any, at: tuple[int, int], instant: datetime) -> None:
        # Excel knows no zones: the clocks of the event, which the title of the column names.
        sheet.write_datetime(*at, instant.replace(tzinfo=None), self._formats["time"])

    def _day(self, sheet: Any, at: tuple[int, int], day: date) -> None:
        sheet.write_datetime(*at, day, self._formats["day"])

    def _count(self, sheet: Any, at: tuple[int, int], number: int) -> None:
        sheet.write_number(*at, number, self._formats["count"])

    def _number(self, sheet: Any, at: tuple[int, int], number: float | Decimal) -> None:
        sheet.write_number(*at, float(number), self._formats["number"])


class _Sheets:
    """The sheets of one section: one, or as many as its rows need."""

    def __init__(self, book: Any, pen: _Pen, section: Section, zone: str, most_rows: int) -> None:
        self._book, self._pen, self._section = book, pen, section
        self._zone, self._most = zone, most_rows
        self._count = 0
        self._sheet: Any = None
        self._row = 0

    def write(self) -> None:
        """Write all rows; without any there is a sheet too."""
        self._begin()
        for row in self._section.rows:
            if self._row >= self._most:
                self._end()
                self._begin()
            if isinstance(row, Note):
                self._pen.text(self._sheet, (self._row, 0), row.text, "note")
            else:
                for place, cell in enumerate(row):
                    self._pen.cell(self._sheet, (self._row, place), cell)
            self._row += 1
        self._end()

    def _begin(self) -> None:
        """Start a sheet: what it means, what is wrong with it, the header that stays in sight."""
        self._count += 1
        section, pen = self._section, self._pen
        # Names of ours, short and of letters and signs that Excel takes.
        name = section.title.replace("/", "-")
        self._sheet = sheet = self._book.add_worksheet(name if self._count == 1 else f"{name} {self._count}")
        for place, column in enumerate(section.columns):
            sheet.set_column(place, place, column.width)
        pen.text(sheet, (0, 0), section.definition, "told")
        pen.text(sheet, (1, 0), " ".join(section.notes), "note")
        for place, column in enumerate(section.columns):
            title = f"{column.title} ({self._zone})" if column.name.endswith("_at") else column.title
            pen.text(sheet, (_HEADER, place), title, "header")
        sheet.freeze_panes(_HEADER + 1, 0)
        self._row = _HEADER + 1

    def _end(self) -> None:
        last = max(self._row - 1, _HEADER + 1)
        self._sheet.autofilter(_HEADER, 0, last, len(self._section.columns) - 1)
