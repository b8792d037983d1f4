"""A report as a PDF for reading and printing: totals, charts and tables; not the rows of each order."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from analytics.types.exports import Cell, Content, Note, Rate, Section
from common.admin.times import time_words
from common.money import Money, format_fraction, format_money

if TYPE_CHECKING:
    from analytics.exporting.paper import Paper

# More rows of offers and ads are for a spreadsheet; days are all there.
_MOST_ROWS: Final = 400
_RATE_DECIMALS: Final = 2
_LEAST: Final = 0.0001
_NUMBERS: Final = (int, float, Decimal, Rate, Money)


def write(content: Content, into: BinaryIO) -> None:
    """Write the document. Amounts are as the screen shows them."""
    from analytics.exporting.paper import UNKNOWN, Paper

    paper = Paper(foot=_foot(content))
    paper.set_title(content.title)
    paper.set_author(content.organization)
    paper.set_creation_date(content.written_at)
    paper.add_page()
    paper.title_line(content.title)
    if content.is_stale:
        paper.alarm("Some of these figures are old or missing:")
    for section in content.sections:
        _section(paper, section)
    if paper.has_unknown:
        paper.ln(4)
        paper.quiet(
            f"{UNKNOWN} is a character that this document's font does not have; CSV and Excel have it."
        )
    paper.output(into)


def _foot(content: Content) -> str:
    stale = "Some figures are old or missing, see page 1. " if content.is_stale else ""
    return f"{stale}{content.title}. {content.organization}"


def _section(paper: "Paper", section: Section) -> None:
    paper.heading(section.title)
    paper.quiet(section.definition)
    for note in section.notes:
        (paper.quiet if section.name == "experiments" else paper.alarm)(note)
    rows = [row for row in section.rows if not isinstance(row, Note)]
    chart = _charts().get(section.name)
    if chart and rows:
        chart(paper, rows)
    paper.ln(2)
    if rows:
        _table(paper, section, rows[:_MOST_ROWS])
    elif not section.notes:
        paper.quiet("Nothing in these days.")
    if len(rows) > _MOST_ROWS:
        paper.quiet(f"And {len(rows) - _MOST_ROWS:,} more, in the CSV and Excel files.")


def _table(paper: "Paper", section: Section, rows: Sequence[tuple[Cell, ...]]) -> None:
    from analytics.exporting.paper import Head

    kept = [place for place, column in enumerate(section.columns) if column.is_on_paper]
    heads = [
        Head(section.columns[place].title, section.columns[place].width, _is_of_numbers(rows, place))
        for place in kept
    ]
    paper.table(heads, [[said(row[place]) for place in kept] for row in rows])


def _charts() -> dict[str, Callable[["Paper", Sequence[Any]], None]]:
    from analytics.exporting import charts

    return {"revenue_by_day": charts.by_day, "offers": charts.by_offer}


def _is_of_numbers(rows: Sequence[tuple[Cell, ...]], place: int) -> bool:
    return all(row[place] is None or isinstance(row[place], _NUMBERS) for row in rows)


def said(cell: Cell) -> str:
    """Return a cell as people read it."""
    if cell is None:
        return ""
    if isinstance(cell, Money):
        return format_money(cell)
    if isinstance(cell, Rate):
        return format_fraction(cell.fraction, _RATE_DECIMALS)
    if isinstance(cell, datetime):
        return time_words(cell, cell.tzinfo) if cell.tzinfo else f"{cell:%Y-%m-%d %H:%M}"
    if isinstance(cell, date):
        return f"{cell:%Y-%m-%d}"
    if isinstance(cell, float):
        return f"<{_LEAST}" if 0 < cell < _LEAST else f"{cell:.4g}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
