"""Pictures of a report's tables, drawn of the same rows. The table with the figures stands below each."""

from collections.abc import Sequence
from typing import Any, Final

from analytics.exporting.paper import Paper
from common.money import Money, format_money

_HEIGHT: Final = 48.0
_MOST_BARS: Final = 8
# Told apart by lightness too; the legend names them.
_PARTS: Final = (("Offers", (74, 52, 146)), ("Tickets", (38, 132, 138)), ("Ads", (226, 160, 60)))
_AXIS: Final = (120, 120, 130)


def by_day(paper: Paper, rows: Sequence[Any]) -> None:
    """Draw a bar a day: what came of offers, tickets and ads, one above the other."""
    most = max((gross.amount for _, _, gross, *_ in rows), default=0)
    if not most:
        paper.quiet("No revenue came in these days.")
        return
    _make_room(paper, _HEIGHT + 16)
    _legend(paper)
    left, top, wide = paper.l_margin, paper.get_y() + 2, paper.epw
    floor = top + _HEIGHT
    _grid(paper, Money(most, rows[0][1]), top, floor)
    step = wide / len(rows)
    for place, (_, _, _, *parts) in enumerate(rows):
        _stack(paper, (left + place * step, floor, step * 0.8), [one.amount / most for one in parts[:3]])
    _days(paper, rows, left, floor, step)


def by_offer(paper: Paper, rows: Sequence[Any]) -> None:
    """Draw a line an offer: what the best brought, of the currency of the first."""
    shown = [row for row in rows if row[6].amount > 0 and row[5] == rows[0][5]][:_MOST_BARS]
    if len(shown) < 2:
        return
    _make_room(paper, 6.5 * len(shown) + 8)
    paper.ln(2)
    most, name_width = shown[0][6].amount, 70.0
    room = paper.epw - name_width - 40
    for row in shown:
        paper.write_as(8)
        paper.cell(name_width, 6, paper.fitting(paper.shown(row[0]), name_width))
        paper.set_fill_color(*_PARTS[0][1])
        length = max(0.4, room * row[6].amount / most)
        paper.rect(paper.get_x(), paper.get_y() + 1, length, 4, style="F")
        paper.set_x(paper.get_x() + length + 1)
        paper.cell(38, 6, format_money(row[6]))
        paper.ln(6)
    paper.ln(2)


def _make_room(paper: Paper, height: float) -> None:
    if paper.will_page_break(height):
        paper.add_page()


def _legend(paper: Paper) -> None:
    paper.ln(2)
    for name, color in _PARTS:
        paper.set_fill_color(*color)
        paper.rect(paper.get_x() + 1, paper.get_y() + 1, 3, 3, style="F")
        paper.set_x(paper.get_x() + 5)
        paper.write_as(8)
        paper.cell(22, 5, name)
    paper.ln(6)


def _grid(paper: Paper, most: Money, top: float, floor: float) -> None:
    paper.write_as(7, color=_AXIS)
    paper.set_draw_color(*_AXIS)
    paper.set_line_width(0.1)
    for height, label in ((top, format_money(most)), (floor, "")):
        paper.line(paper.l_margin, height, paper.l_margin + paper.epw, height)
        paper.set_xy(paper.l_margin, height - 4)
        paper.cell(60, 4, label)
    paper.set_line_width(0.2)


def _stack(paper: Paper, foot: tuple[float, float, float], shares: Sequence[float]) -> None:
    x, y, width = foot
    for (_, color), share in zip(_PARTS, shares, strict=True):
        height = _HEIGHT * max(share, 0)
        if height:
            y -= height
            paper.set_fill_color(*color)
            paper.rect(x, y, width, height, style="F")


def _days(paper: Paper, rows: Sequence[Any], left: float, floor: float, step: float) -> None:
    """Name the first day, the last, and some between."""
    paper.write_as(7, color=_AXIS)
    every = max(1, -(-len(rows) // 8))
    for place in range(0, len(rows), every):
        paper.set_xy(left + place * step, floor + 0.5)
        paper.cell(24, 4, f"{rows[place][0]:%d %b %Y}" if place == 0 else f"{rows[place][0]:%d %b}")
    paper.set_xy(left, floor + 6)
