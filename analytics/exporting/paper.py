"""Pages of a PDF: the font, the frame, text that fits, and tables that go on over pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fpdf import FPDF
from fpdf.bidi import BidiParagraph
from fpdf.enums import TextDirection, XPos, YPos

from analytics.exporting.text import plain

_FONTS: Final = Path(__file__).parent / "fonts"
_FONT: Final = "dejavu"
_MARGIN: Final = 12
_LINE: Final = 5.2
# In place of a character that the font does not have.
UNKNOWN: Final = "\u25a1"
_INK, _GREY, _RULE, _ALARM = (33, 30, 45), (95, 95, 105), (205, 203, 212), (156, 42, 16)
_SHADE: Final = (240, 239, 245)
_RIGHT_TO_LEFT: Final = ("\u0590", "\u08ff")


@dataclass(frozen=True, slots=True)
class Head:
    """A column of a table; numbers stand at its end."""

    title: str
    width: float
    is_number: bool


class Paper(FPDF):
    """Pages of A4, lying. Sizes are millimetres."""

    def __init__(self, *, foot: str) -> None:
        super().__init__(orientation="landscape", format="A4")
        self.foot = foot
        self.has_unknown = False
        self.add_font(_FONT, "", _FONTS / "DejaVuSans.ttf")
        self.add_font(_FONT, "B", _FONTS / "DejaVuSans-Bold.ttf")
        self._glyphs = self.fonts[_FONT].cmap  # type: ignore[union-attr]
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(True, 16)
        self.write_as(9)

    def footer(self) -> None:
        """Say on each page what it is of, and which it is."""
        self.set_y(-12)
        self.write_as(7, color=_GREY)
        self.cell(self.epw - 30, 5, self.fitting(self.shown(self.foot), self.epw - 30))
        self.cell(30, 5, f"Page {self.page_no()} of {{nb}}", align="R")

    def write_as(self, size: float, *, bold: bool = False, color: tuple[int, int, int] = _INK) -> None:
        """Choose how the next text looks."""
        self.set_font(_FONT, "B" if bold else "", size)
        self.set_text_color(*color)

    def shown(self, text: str) -> str:
        """Return text as this font can show it: what it lacks is a box, and Hebrew and Arabic run from the right."""
        found = "".join(one if ord(one) in self._glyphs else UNKNOWN for one in plain(text))
        self.has_unknown = self.has_unknown or UNKNOWN in found
        first, last = _RIGHT_TO_LEFT
        if any(first <= one <= last for one in found):
            found = BidiParagraph(found, TextDirection.LTR).get_reordered_string()
        return found

    def fitting(self, text: str, width: float) -> str:
        """Return the text, cut with three dots where it is too wide."""
        room = width - 2 * self.c_margin
        if self.get_string_width(text) <= room:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (
                (middle, high) if self.get_string_width(f"{text[:middle]}…") <= room else (low, middle - 1)
            )
        return f"{text[:low]}…"

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
        self.write_as(8, color=_GREY)
        self.paragraph(text)

    def alarm(self, text: str) -> None:
        """Write what must not be missed."""
        self.write_as(9, bold=True, color=_ALARM)
        self.paragraph(text)

    def paragraph(self, text: str) -> None:
        """Write lines, broken where they end."""
        height = self.font_size * 1.35
        self.multi_cell(self.epw, height, self.shown(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

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
        self.set_draw_color(*_RULE)
        for text, head in zip(texts, heads, strict=True):
            shown = self.fitting(self.shown(text), head.width)
            self.cell(head.width, _LINE, shown, align="R" if head.is_number else "L", **look)
        self.ln(_LINE)
