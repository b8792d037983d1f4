"""The pages of a report: the frame, headings, and tables that go on over pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from fpdf.enums import XPos, YPos

from common.paper.sheet import GREY, RULE, UNKNOWN, Sheet

__all__ = ["UNKNOWN", "Head", "Paper"]

_MARGIN: Final = 12
_LINE: Final = 5.2
_ALARM: Final = (156, 42, 16)
_SHADE: Final = (240, 239, 245)


@dataclass(frozen=True, slots=True)
class Head:
    """A column of a table; numbers stand at its end."""

    title: str
    width: float
    is_number: bool


class Paper(Sheet):
    """Pages of A4, lying."""

    def __init__(self, *, foot: str) -> None:
        super().__init__(orientation="landscape", margin=_MARGIN)
        self.foot = foot
        self.set_auto_page_break(True, 16)

    def footer(self) -> None:
        """Say on each page what it is of, and which it is."""
        self.set_y(-12)
        self.write_as(7, color=GREY)
        self.cell(self.epw - 30, 5, self.fitting(self.shown(self.foot), self.epw - 30))
        self.cell(30, 5, f"Page {self.page_no()} of {{nb}}", align="R")

    def heading(self, text: str, *, size: float = 12, room: float = 32) -> None:
        """Begin a section, on a next page when too little would follow on this one."""
        self.ln(4)
        if self.will_page_break(room):
            self.add_page()
        self.write_as(size, bold=True)
        self.start_section(self.shown(text))
        self.paragraph(text)

    def title_line(self, text: str) -> None:
        """Write the report's name."""
        self.write_as(17, bold=True)
        self.cell(self.epw, 9, self.fitting(self.shown(text), self.epw), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def quiet(self, text: str) -> None:
        """Write what explains."""
        self.write_as(8, color=GREY)
        self.paragraph(text)

    def alarm(self, text: str) -> None:
        """Write what must not be missed."""
        self.write_as(9, bold=True, color=_ALARM)
        self.paragraph(text)

    def table(  # type: ignore[override]
        self, heads: Sequence[Head], rows: Sequence[Sequence[str]]
    ) -> None:
        """Write a table over the whole width. Its header stands on each page."""
        whole = sum(head.width for head in heads)
        heads = [Head(head.title, head.width * self.epw / whole, head.is_number) for head in heads]
        self._header(heads)
        for row in rows:
            if self.will_page_break(_LINE):
                self.add_page()
                self._header(heads)
            self.write_as(8)
            self._cells(row, heads, border="B")

    def _header(self, heads: Sequence[Head]) -> None:
        self.write_as(8, bold=True)
        self.set_fill_color(*_SHADE)
        self._cells([head.title for head in heads], heads, fill=True)

    def _cells(self, texts: Sequence[str], heads: Sequence[Head], **look: Any) -> None:
        self.set_draw_color(*RULE)
        for text, head in zip(texts, heads, strict=True):
            shown = self.fitting(self.shown(text), head.width)
            self.cell(head.width, _LINE, shown, align="R" if head.is_number else "L", **look)
        self.ln(_LINE)
