"""A ticket on paper: one page of A4, with the code large enough for any scanner."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from fpdf.enums import Align, XPos, YPos

from common.paper.sheet import GREY, RULE, UNKNOWN, Sheet
from tickets.services import pictures
from tickets.services.words import span_words
from tickets.types import ShownCode

_MARGIN: Final = 20
_LABEL: Final = 30
# The side of one square of the code: seven centimetres in all, which any camera reads at arm's length.
SQUARE: Final = 1.8
# ISO/IEC 18004 asks for four free squares around; the page is white beyond them anyway.
_QUIET: Final = 4
_BLACK: Final = (0, 0, 0)


def write_pages(codes: Sequence[ShownCode], *, now: datetime) -> bytes:
    """Return a PDF with a page for each ticket, whose event, organization, tier and holder are at hand."""
    sheet = Sheet(orientation="portrait", margin=_MARGIN)
    sheet.set_auto_page_break(False)
    first = codes[0].ticket
    sheet.set_title(
        " ".join(["Ticket" if len(codes) == 1 else "Tickets", *(one.ticket.number for one in codes)])
    )
    sheet.set_author(first.event.organization.name)
    sheet.set_creation_date(now)
    for code in codes:
        sheet.add_page()
        sheet.has_unknown = False
        _head(sheet, code)
        _facts(sheet, code)
        _code(sheet, code)
        _foot(sheet)
    return bytes(sheet.output())


def _head(sheet: Sheet, code: ShownCode) -> None:
    event = code.ticket.event
    sheet.write_as(10, color=GREY)
    sheet.paragraph(event.organization.name, most_lines=1)
    sheet.ln(2)
    sheet.write_as(22, bold=True)
    sheet.paragraph(event.title, most_lines=3)
    sheet.ln(1)
    sheet.write_as(12)
    sheet.paragraph(span_words(event), most_lines=2)
    sheet.ln(4)
    _rule(sheet)
    sheet.ln(4)


def _facts(sheet: Sheet, code: ShownCode) -> None:
    ticket = code.ticket
    for label, text in (
        ("Ticket", ticket.tier.name),
        ("Holder", ticket.holder.name or ticket.holder.email),
        ("Number", ticket.number),
    ):
        sheet.write_as(10, color=GREY)
        sheet.cell(_LABEL, 7, label)
        sheet.write_as(12, bold=True)
        room = sheet.epw - _LABEL
        sheet.cell(room, 7, sheet.fitting(sheet.shown(text), room), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    sheet.ln(4)
    _rule(sheet)


def _code(sheet: Sheet, code: ShownCode) -> None:
    """Draw each square of the code as a shape, sharp at any size."""
    rows = pictures.squares(code.text)
    side = len(rows) * SQUARE
    left, top = sheet.l_margin + (sheet.epw - side) / 2, sheet.get_y() + _QUIET * SQUARE + 2
    sheet.set_fill_color(*_BLACK)
    for y, row in enumerate(rows):
        for x, width in _runs(row):
            sheet.rect(left + x * SQUARE, top + y * SQUARE, width * SQUARE, SQUARE, style="F")
    sheet.set_y(top + side + _QUIET * SQUARE)
    sheet.write_as(10, color=GREY)
    sheet.paragraph("Where no camera works, tell them this code:", align=Align.C)
    sheet.ln(1)
    sheet.write_as(22, bold=True)
    sheet.paragraph(code.manual_code, align=Align.C)


def _runs(row: Sequence[int]) -> list[tuple[int, int]]:
    """Return where dark squares beside each other begin, and how many they are: drawn alone, gaps would show."""
    runs: list[tuple[int, int]] = []
    for x, is_dark in enumerate(row):
        if not is_dark:
            continue
        if runs and sum(runs[-1]) == x:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((x, 1))
    return runs


def _foot(sheet: Sheet) -> None:
    sheet.set_y(-40)
    _rule(sheet)
    sheet.ln(3)
    sheet.write_as(9, color=GREY)
    sheet.paragraph(
        "This page lets one person in. Whoever shows it first gets in, so keep it to yourself. "
        "If your ticket is issued anew, print the new page: this one opens nothing then."
    )
    if sheet.has_unknown:
        sheet.paragraph(f"{UNKNOWN} is a character that this page's letters do not have.")


def _rule(sheet: Sheet) -> None:
    sheet.set_draw_color(*RULE)
    sheet.line(sheet.l_margin, sheet.get_y(), sheet.l_margin + sheet.epw, sheet.get_y())
