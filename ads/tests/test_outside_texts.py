"""Whatever is shown as an ad's token or asked of `ads/serve` is read, or refused by name."""

import json
from urllib.parse import quote_plus, urlencode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ads.decision import tokens
from ads.errors import TokenInvalid
from ads.models import AdPlacement
from ads.rest.redeeming import _seen, _token_of
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


@_FEW
@given(
    raw=st.binary(max_size=40),
    said=st.dictionaries(st.sampled_from(["token", "viewable", "x"]), st.text(max_size=9) | st.booleans()),
    is_raw=st.booleans(),
)
def test_no_item_of_a_batch_breaks_the_reading(raw: bytes, said: dict[str, object], is_raw: bool) -> None:
    """Any item: its token, or one that is none of ours. REQ AD-04."""
    found = _seen(msgspec.Raw(raw if is_raw else json.dumps(said).encode()))
    is_whole = isinstance(said.get("token"), str) and isinstance(said.get("viewable", False), bool)
    assert is_raw or found.token == (said["token"] if is_whole else "")


@_FEW
@given(before=st.text("token=&%zf+", max_size=20), token=st.text(st.characters(codec="utf-8"), max_size=20))
def test_no_link_breaks_the_reading(before: str, token: str) -> None:
    """Any query of a link: its last token, as it was sent. REQ AD-04."""
    assert isinstance(_token_of(before), str)
    assert _token_of(f"{before}&token={quote_plus(token)}") == token
