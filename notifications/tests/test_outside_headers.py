"""What a page says of itself as it connects, what the mail provider sends, what staff type: read, or refused."""

import json
from contextlib import suppress
from urllib.parse import quote, urlsplit

from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.errors import Unauthenticated
from notifications.errors import BadWebhook
from notifications.realtime.origins import allowed_origins, is_allowed
from notifications.realtime.server import _token
from notifications.rest.webhooks import _event
from notifications.services.push.campaigns import _leads_somewhere

_FEW = settings(max_examples=25, deadline=None, database=None)
_HOST = "tickets.test:8002"
_VALUES = (
    st.text(max_size=9) | st.none() | st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2)
)


def _encoded(value: object) -> bytes:
    return json.dumps(value).encode()


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
@given(
    query=st.text(max_size=40) | st.text("token=&%;[]+", max_size=20),
    auth=st.none() | _VALUES | st.dictionaries(st.just("token"), _VALUES),
    said=st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
)
@example(query="token=", auth={"token": ""}, said="x")
def test_no_handshake_breaks_the_reading_of_the_token(query: str, auth: object, said: str) -> None:
    """Any query and packet: the first token that is said, or `Unauthenticated`. REQ RT-01."""
    with suppress(Unauthenticated):
        found = _token({"QUERY_STRING": query}, auth)
        assert isinstance(found, str)
        assert found
    assert _token({"QUERY_STRING": f"token={quote(said)}&{query}"}, None) == said


@_FEW
@given(raw=st.binary(max_size=40) | st.dictionaries(st.sampled_from(["type", "data"]), _VALUES).map(_encoded))
def test_no_signed_body_breaks_the_reading(raw: bytes) -> None:
    """Any bytes of the mail provider: an event whose type can be shown, or `BadWebhook`. REQ NO-02."""
    try:
        event = _event(raw)
    except BadWebhook:
        return
    assert event.type.isprintable()


@_FEW
@given(
    host=st.text(max_size=20) | st.text("[]@:/.\\x1 ", max_size=12),
    scheme=st.sampled_from(["https", "http", ""]),
)
@example(host="[", scheme="https")
def test_no_address_of_a_message_breaks_the_check(host: str, scheme: str) -> None:
    """Any text that staff give for a push message to lead to: taken by https and with a host, or not. REQ NO-05."""
    url = f"{scheme}://{host}"
    if _leads_somewhere(url):
        assert scheme == "https"
        assert urlsplit(url).hostname
