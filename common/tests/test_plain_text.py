"""Names as they are kept: whatever was sent, one line that can be stored and reads as it stands."""

import unicodedata

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from common.plain_text import plain_name

_LONGEST = 12
# All there is: halves of signs, controls, marks of direction, signs that are combined.
_ANY = st.text(
    st.characters(exclude_categories=()) | st.sampled_from("\r\n\0\u202e\u200d\u0301 a\ud800👩"), max_size=40
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Ida Lovelace", "Ida Lovelace"),
        (" Ida \t\n Lovelace ", "Ida Lovelace"),
        ("A\r\nBcc: z@z.z", "A Bcc: z@z.z"),
        ("a\u2028b\u00a0c", "a b c"),
        ("\u202eevil\u2066x\u200f", "evilx"),
        ("a\0b\x1b\ufeff\ud800c", "abc"),
        ("a \u200b b", "a b"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\u200d\u200c", ""),
        ("\u0378\ue000", ""),
        ("👩\u200d💻", "👩\u200d💻"),
        ("", ""),
    ],
)
def test_a_name_is_one_line_of_what_can_be_seen(text: str, kept: str) -> None:
    """Blanks of all kinds are one space; what is unseen, turns lines around or is no sign is gone; what joins signs
    within a word stays. REQ OP-05."""
    assert plain_name(text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("x" * 13, "x" * 12),
        ("x" * 11 + " y", "x" * 11),
        ("x" * 11 + "e\u0301", "x" * 11),
        ("x" * 10 + "👩\u200d💻", "x" * 10),
        ("e" + "\u0301" * 20, "e" + "\u0301" * 11),
    ],
)
def test_a_name_that_is_too_long_ends_with_a_whole_sign(text: str, kept: str) -> None:
    """It is cut before a sign that would lose a mark or its other half, unless nothing else would be left.
    REQ OP-05."""
    assert plain_name(text, longest=_LONGEST) == kept


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, database=None)
@given(text=_ANY)
def test_whatever_is_sent_is_a_name_that_can_be_kept(text: str) -> None:
    """No text raises; what comes out fits, is one line, can be seen, is its own plain form, and PostgreSQL keeps it.
    REQ OP-05."""
    name = plain_name(text, longest=_LONGEST)
    assert len(name) <= _LONGEST
    assert plain_name(name, longest=_LONGEST) == name
    assert name == " ".join(name.split())
    assert len(name.splitlines()) <= 1
    assert {unicodedata.category(one) for one in name if one not in "\u200c\u200d"}.isdisjoint(
        {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::varchar(12)", [name])
        assert cursor.fetchone() == (name,)
