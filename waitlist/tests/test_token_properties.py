"""Whatever is shown as a join token is one of ours, or refused as none."""

from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waitlist.errors import TokenInvalid
from waitlist.services import tokens


@settings(max_examples=25, deadline=None, database=None)
@given(text=st.text(max_size=250), cut=st.integers(0, 60))
def test_no_text_is_a_join_token(text: str, cut: int) -> None:
    """Any text, also one that begins as a token of ours does: `TokenInvalid`, nothing else. REQ WL-04."""
    ours = tokens.token_for(uuid4(), 3)
    for wrong in (text, ours[:cut] + text, text + ours[cut:]):
        if wrong != ours:
            with pytest.raises(TokenInvalid):
                tokens.read(wrong)
