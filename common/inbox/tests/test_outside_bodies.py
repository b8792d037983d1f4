"""Whatever bytes a stranger sends as a webhook are read and measured, or refused as too much."""

import json
from typing import Any

from django.test import RequestFactory
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.inbox.bodies import DEEPEST, is_too_deep, read_body

_FEW = settings(max_examples=15, deadline=None, database=None)
# Texts that look like brackets, and like the ends of texts.
_TEXTS = st.text(alphabet='[]{}"\\x\ud800', max_size=12)
_VALUES = st.recursive(
    _TEXTS | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((_depth(one) for one in value.values()), default=0)
    return 1 + max((_depth(one) for one in value), default=0) if isinstance(value, list) else 0


def _wrapped(value: Any, layers: int, beside: list[str]) -> Any:
    for layer in range(layers):
        value = [value, *beside] if layer % 2 else {"[{": value}
    return value


@_FEW
@given(value=_VALUES, layers=st.integers(DEEPEST - 4, DEEPEST + 2), beside=st.lists(_TEXTS, max_size=2))
@example(value=None, layers=DEEPEST, beside=[])
@example(value=None, layers=DEEPEST + 1, beside=["]]]]"])
def test_depth_is_of_brackets_outside_of_texts(value: Any, layers: int, beside: list[str]) -> None:
    """JSON is too deep where its lists and objects are, whatever its texts and names look like. REQ PA-03."""
    built = _wrapped(value, layers, beside)
    body = json.dumps(built, ensure_ascii=True).encode()
    assert is_too_deep(body) == (_depth(built) > DEEPEST)


@_FEW
@given(body=st.binary(max_size=60) | st.text(alphabet='[]{}"\\', max_size=300).map(str.encode))
def test_any_bytes_are_measured(body: bytes) -> None:
    """What is no JSON is told deep or not as well, never an exception. REQ PA-03."""
    assert is_too_deep(body) in {True, False}


@_FEW
@given(
    body=st.binary(max_size=30), told=st.text(max_size=6) | st.integers().map(str), most=st.integers(0, 30)
)
@example(body=b"x", told="\xb2", most=5)
@example(body=b"x", told="9" * 5000, most=5)
def test_no_more_is_read_than_is_taken(body: bytes, told: str, most: int) -> None:
    """A body of so many bytes at most comes whole, a longer one not at all, whatever length is told. REQ PA-03."""
    request = RequestFactory().post("/", body, content_type="application/json")
    request.META["CONTENT_LENGTH"] = told
    read = read_body(request, most=most)
    assert read is None or read == body
    if len(body) > most:
        assert read is None
