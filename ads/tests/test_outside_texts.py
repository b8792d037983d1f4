"""Whatever is shown as an ad's token or asked of `ads/serve` is read, or refused by name."""

from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ads.decision import tokens
from ads.errors import TokenInvalid
from ads.models import AdPlacement
from ads.rest.serving import read_query
from common.errors import Invalid

_FEW = settings(max_examples=25, deadline=None, database=None)
_NAMES = st.sampled_from(
    ["event_id", "placement", "session_id", "session_token", "limit", "ad_id", "x", "%", "%ff", ""]
)
_VALUES = st.text(max_size=12) | st.sampled_from(
    ["00000000-0000-0000-0000-000000000000", *AdPlacement.values, "1", "-1", "²", "%zz", "+"]
)


@_FEW
@given(text=st.text(max_size=200) | st.text("ABCabc012-_=", min_size=tokens.LENGTH, max_size=tokens.LENGTH))
def test_no_text_is_a_token(text: str) -> None:
    """Any text, of the right length and letters too: `TokenInvalid`, nothing else. REQ AD-04."""
    with pytest.raises(TokenInvalid):
        tokens.read(text)


@_FEW
@given(pairs=st.lists(st.tuples(_NAMES, _VALUES), max_size=6), raw=st.text(max_size=40), is_raw=st.booleans())
def test_no_query_breaks_the_reading(pairs: list[tuple[str, str]], raw: str, is_raw: bool) -> None:
    """Any query string: what was asked, or `Invalid`. REQ AD-02."""
    query = raw if is_raw else urlencode(pairs) if len(pairs) % 2 else "&".join(map("=".join, pairs))
    try:
        asked = read_query(query)
    except Invalid:
        return
    assert asked.placement in AdPlacement.values
    assert asked.limit >= 1
