"""Text of people in files and as names: nothing that a program would obey, nothing that turns lines around."""

import re
import unicodedata
from typing import Final

# Excel: "Total number of characters that a cell can contain" is 32,767.
LONGEST: Final = 32_000
# Line breaks and tabs are blanks in a table.
_BLANK: Final = re.compile("[\t\n\r\x0b\x0c\x85\u2028\u2029]+")
# Control characters, marks that override the direction of what follows (Unicode: UAX 9, "Explicit Directional
# Formatting Characters"), and the mark that a file begins with.
_UNSEEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")

# What joins signs to one (Unicode: "zero-width non-joiner", "zero-width joiner"): words of Persian and Hindi and many
# emoji have them. All other marks of format turn lines around or cannot be seen.
_JOINERS: Final = "\u200c\u200d"
# Unicode's general categories of controls, marks of format, halves of signs (surrogates), signs of nobody's and none.
_NO_SIGNS: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def plain(text: str) -> str:
    """Return text as one line of visible characters, as long as a cell may be."""
    found = _UNSEEN.sub("", _BLANK.sub(" ", text))
    return found if len(found) <= LONGEST else f"{found[: LONGEST - 1]}…"


def is_storable(text: str) -> bool:
    """Say whether PostgreSQL can keep it as it is: it has no NUL and no half of a sign (a lone surrogate)."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def plain_name(text: str, *, longest: int | None = None) -> str:
    """Return what somebody or something is called as one line of signs that PostgreSQL keeps; empty when none is left.

    Blanks of all kinds become one space. What is longer than ``longest`` characters is cut at the end of a sign. Its
    own result stays as it is. Raises nothing.
    """
    kept = "".join(" " if one.isspace() else one for one in text if one.isspace() or _is_sign(one))
    name = _tidy(kept)
    return name if longest is None or len(name) <= longest else _tidy(name[: _end(name, longest)])


def _is_sign(one: str) -> bool:
    return one in _JOINERS or unicodedata.category(one) not in _NO_SIGNS


def _tidy(text: str) -> str:
    """Return it with single spaces, and nothing at either end that joins it to nothing."""
    return re.sub(" +", " ", text).strip(f" {_JOINERS}")


def _end(name: str, longest: int) -> int:
    """Return where to cut: before a sign that would be cut in two, unless it is all there is."""
    end = longest
    while end and _belongs_together(name[end - 1], name[end]):
        end -= 1
    return end or longest


def _belongs_together(before: str, after: str) -> bool:
    return before in _JOINERS or after in _JOINERS or unicodedata.category(after).startswith("M")
