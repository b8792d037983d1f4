"""Cells that a spreadsheet would calculate are text."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ads import sheets


@pytest.mark.parametrize(
    "sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "  =", " \t@"]
)
def test_each_beginning_of_a_formula_is_quoted(sign: str) -> None:
    """An apostrophe stands before it, and the text stays whole behind. REQ RT-05."""
    assert sheets.inert(f"{sign}cmd|' /C calc'!A0") == f"'{sign}cmd|' /C calc'!A0"


@pytest.mark.parametrize("text", ["", "a=b", "Ada", "7", "'", "a@b.test", "1-2"])
def test_what_is_no_formula_is_left_alone(text: str) -> None:
    """Nobody's name is changed for nothing. REQ RT-05."""
    assert sheets.inert(text) == text


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_what_is_written_is_read_back(rows: list[list[str]]) -> None:
    """Whatever the texts are, a reader gets the same cells, made inert, in the same rows. REQ RT-05."""
    text = "".join(sheets.lines(("a", "b"), rows))
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read == [["a", "b"], *([sheets.inert(cell) for cell in row] for row in rows)]


def test_nothing_piles_up() -> None:
    """Each line is given before the next row is asked for. REQ RT-05."""
    asked = []

    def rows() -> object:
        for number in range(3):
            asked.append(number)
            yield [str(number)]

    lines = sheets.lines(("n",), rows())  # type: ignore[arg-type]
    assert (next(lines), asked) == ("n\r\n", [])
    assert (next(lines), asked) == ("0\r\n", [0])
