"""What a page or program says of itself as it connects: read, or refused in words of ours."""

from contextlib import suppress
from urllib.parse import quote

from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.errors import Unauthenticated
from notifications.realtime.origins import allowed_origins, is_allowed
from notifications.realtime.server import _token

_FEW = settings(max_examples=25, deadline=None, database=None)
_HOST = "tickets.test:8002"


@_FEW
@given(origin=st.text(min_size=1, max_size=30) | st.text("[]@:/.x", max_size=12).map("http://{}".format))
@example(origin="http://[")
@example(origin="http://[x]")
@example(origin="http://\u2102\uff0fx")
@example(origin=f"https://{_HOST}")
def test_no_origin_breaks_the_look_at_it(origin: str) -> None:
    """Any text: one of ours, the host that was asked, or refused; never an exception, which would be a 500.
    REQ RT-01, OP-05.
    """
    is_ours = origin in allowed_origins() or origin.partition("//")[2].partition("/")[0] == _HOST
    assert not is_allowed(origin, {"HTTP_HOST": _HOST}) or is_ours


@_FEW
@given(query=st.text(max_size=40) | st.text("token=&;%[]+", max_size=20), said=st.text(max_size=20))
def test_no_query_breaks_the_reading_of_the_token(query: str, said: str) -> None:
    """Any query: its first token that is not empty, or `Unauthenticated`. REQ RT-01."""
    with suppress(Unauthenticated):
        assert _token({"QUERY_STRING": query}, None)
    if said:
        assert _token({"QUERY_STRING": f"token={quote(said)}&{query}"}, None) == said
