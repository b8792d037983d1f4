"""Pages of a PDF with a font of our own: text that can be shown, and text that fits."""

from pathlib import Path
from typing import Final, Literal

from fpdf import FPDF
from fpdf.bidi import BidiParagraph
from fpdf.enums import Align, MethodReturnValue, TextDirection, XPos, YPos

from common.plain_text import plain

_FONTS: Final = Path(__file__).parent / "fonts"
_FONT: Final = "dejavu"
# In place of a character that the font does not have.
UNKNOWN: Final = "\u25a1"
INK, GREY, RULE = (33, 30, 45), (95, 95, 105), (205, 203, 212)
_RIGHT_TO_LEFT: Final = ("\u0590", "\u08ff")
_LINE: Final = 1.35


class Sheet(FPDF):
    """Pages of A4. Sizes are millimetres, those of letters points."""

    def __init__(self, *, orientation: Literal["portrait", "landscape"], margin: float) -> None:
        super().__init__(orientation=orientation, format="A4")
        self.has_unknown = False
        self.add_font(_FONT, "", _FONTS / "DejaVuSans.ttf")
        self.add_font(_FONT, "B", _FONTS / "DejaVuSans-Bold.ttf")
        self._glyphs = self.fonts[_FONT].cmap  # type: ignore[union-attr]
        self.set_margins(margin, margin)
        self.set_lang("en")
        self.write_as(9)

    def write_as(self, size: float, *, bold: bool = False, color: tuple[int, int, int] = INK) -> None:
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

    def paragraph(self, text: str, *, align: Align = Align.L, most_lines: int | None = None) -> None:
        """Write lines, broken where they end; of more than ``most_lines`` the last one ends with three dots."""
        lines = self._lines(self.shown(text), align)
        if most_lines is not None and len(lines) > most_lines:
            last = self.fitting(" ".join(lines[most_lines - 1 :]), self.epw)
            lines = [*lines[: most_lines - 1], last]
        height = self.font_size * _LINE
        for line in lines:
            self.cell(self.epw, height, line, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _lines(self, text: str, align: Align) -> list[str]:
        found = self.multi_cell(
            self.epw, self.font_size * _LINE, text, align=align, dry_run=True, output=MethodReturnValue.LINES
        )
        return list(found)  # type: ignore[arg-type]
