"""Whatever a camera reads is a code of ours, or refused by name."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickets.services import codes


@settings(max_examples=25, deadline=None, database=None)
@given(text=st.text(max_size=250), cut=st.integers(0, 140))
def test_no_text_is_a_code(text: str, cut: int) -> None:
    """Any text, also one that begins or ends as a code does: `NotACode` or `Forged`, nothing else. REQ TK-02."""
    ours = codes.PREFIX + "A" * cut
    for wrong in (text, ours + text, codes.PREFIX + text):
        assert not codes.is_signed(wrong)
        with pytest.raises((codes.NotACode, codes.Forged)):
            codes.read(wrong)
