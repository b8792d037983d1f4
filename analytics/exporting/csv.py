"""A report as CSV (RFC 4180): one table for programs, whose first column names the section of each row.

UTF-8 without a mark at the beginning: a program would read the mark as part of the first column's name, and who wants
to open a report in a spreadsheet takes the Excel file. Amounts are decimals in whole units, rates shares of one, times
ISO 8601 with the event's offset, and what is not known is empty.
"""

import csv
import io
from collections.abc import Iterator
from datetime import date
from typing import Final

from ads.sheets import inert
from analytics.types.exports import Cell, Column, Content, Note, Rate, Row, Section
from common.money import Money, decimal_string
from common.plain_text import plain

_SECTION, _ABOUT, _TEXT = "section", "about", "text"
_CHUNK: Final = 16 * 1024


def chunks(content: Content) -> Iterator[bytes]:
    """Yield the file as its rows are read: nothing piles up, however many there are."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for line in _lines(content):
        writer.writerow(line)
        if buffer.tell() > _CHUNK:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _lines(content: Content) -> Iterator[list[str]]:
    """Yield the header, what the figures mean, what is wrong with them, and then the rows of each section."""
    names = _names(content)
    places = {name: place for place, name in enumerate(names)}
    yield list(names)
    for section in content.sections:
        yield _told(places, "definitions", section.name, section.definition)
    for about, text in _notes(content):
        yield _told(places, "notes", about, text)
    for section in content.sections:
        for row in section.rows:
            yield _line(places, section, row)


def _names(content: Content) -> tuple[str, ...]:
    """Return the columns of all sections together, each once."""
    columns: list[Column] = [column for section in content.sections for column in section.columns]
    return (*dict.fromkeys((_SECTION, _ABOUT, *(column.name for column in columns), _TEXT)),)


def _notes(content: Content) -> Iterator[tuple[str, str]]:
    return ((section.name, note) for section in content.sections for note in section.notes)


def _told(places: dict[str, int], kind: str, about: str, text: str) -> list[str]:
    line = [""] * len(places)
    line[0], line[places[_ABOUT]], line[places[_TEXT]] = kind, about, inert(plain(text))
    return line


def _line(places: dict[str, int], section: Section, row: Row) -> list[str]:
    if isinstance(row, Note):
        return _told(places, "notes", section.name, row.text)
    line = [""] * len(places)
    line[0] = section.name
    for column, cell in zip(section.columns, row, strict=True):
        line[places[column.name]] = written(cell)
    return line


def written(cell: Cell) -> str:
    """Return a cell as CSV holds it. Text is never a formula; a number below zero stays a number."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return inert(plain(cell))
    if isinstance(cell, Money):
        return decimal_string(cell)
    if isinstance(cell, Rate):
        return "" if cell.fraction is None else f"{cell.fraction:.6f}"
    return cell.isoformat() if isinstance(cell, date) else str(cell)
