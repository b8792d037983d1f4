"""Tables as CSV (RFC 4180) that a spreadsheet opens as text: no cell is a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

# OWASP, "CSV Injection": what Excel, LibreOffice and Google Sheets take for the beginning of a formula.
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def inert(text: str) -> str:
    """Return the text with an apostrophe before it where a spreadsheet would calculate it; blanks do not hide it."""
    is_formula = text.startswith(_BEGINS_A_FORMULA) or text.lstrip().startswith(_BEGINS_A_FORMULA)
    return f"'{text}" if is_formula else text


def lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the header's line, then a line for each row as it comes: nothing piles up, however many there are."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in _with_header(header, rows):
        writer.writerow([inert(cell) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _with_header(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    yield header
    yield from rows
