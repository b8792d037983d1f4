"""Text of people in files: nothing that a program would obey, nothing that turns lines around."""

import re
from typing import Final

# Excel: "Total number of characters that a cell can contain" is 32,767.
LONGEST: Final = 32_000
# Line breaks and tabs are blanks in a table.
_BLANK: Final = re.compile("[\t\n\r\x0b\x0c\x85\u2028\u2029]+")
# Control characters, marks that override the direction of what follows (Unicode: UAX 9, "Explicit Directional
# Formatting Characters"), and the mark that a file begins with.
_UNSEEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")


def plain(text: str) -> str:
    """Return text as one line of visible characters, as long as a cell may be."""
    found = _UNSEEN.sub("", _BLANK.sub(" ", text))
    return found if len(found) <= LONGEST else f"{found[: LONGEST - 1]}…"
