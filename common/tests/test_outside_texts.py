"""Whatever text comes from outside is read, or refused by name."""

from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from django.test import RequestFactory, override_settings
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rest_framework import serializers

from common.bots import is_bot
from common.errors import Invalid
from common.idempotency.services import check_key
from common.requests import accepted_id
from common.rest import client_address, client_network
from common.rest.networks import shortened
from common.rest.serializers import StrictSerializer
from common.web_addresses import is_web_address

_FEW = settings(max_examples=25, deadline=None, database=None)
_HOPS = st.text(max_size=30) | st.sampled_from(
    [
        "203.0.113.9",
        "::ffff:203.0.113.9",
        "[2001:db8::1]",
        "fe80::1%eth0",
        "203.0.113.9:80",
        "1.2.3.4, ::1",
        ",",
    ]
)


@_FEW
@given(header=_HOPS, peer=_HOPS, proxies=st.integers(0, 2))
def test_a_caller_has_an_address_whatever_is_forwarded(header: str, peer: str, proxies: int) -> None:
    """What limits count and logs show is an address, whoever writes what into the header. REQ OF-07."""
    request = RequestFactory().get("/", headers={"X-Forwarded-For": header}, REMOTE_ADDR=peer)
    with override_settings(TRUSTED_PROXY_COUNT=proxies):
        ip_address(client_address(request))
        ip_network(client_network(request), strict=False)
        ip_address(shortened(client_address(request)))


@settings(_FEW, max_examples=15)
@given(given_id=st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9._:-]{1,140}\n?", fullmatch=True))
def test_an_id_of_a_caller_is_plain_or_none(given_id: str) -> None:
    """What stands in each log line and goes back in a header cannot break either of them. REQ OP-01."""
    accepted = accepted_id(given_id)
    assert accepted in {"", given_id}
    if accepted:
        assert len(accepted) <= 128
        assert accepted.isascii()
        assert accepted.isprintable()
        assert not accepted.isspace()


@settings(_FEW, max_examples=15)
@given(before=st.text(max_size=60), after=st.text(max_size=60))
def test_who_names_a_program_is_one_whatever_else_they_say(before: str, after: str) -> None:
    """A client is taken for a person or a program by any text, and no text hides the name of one. REQ AD-04."""
    assert is_bot(before) in {True, False}
    assert is_bot(f"{before} Googlebot/2.1 {after}")
    assert is_bot(f"{before} curl/8.5.0 {after}")


@_FEW
@given(key=st.text(max_size=300))
def test_an_idempotency_key_is_printable_or_refused(key: str) -> None:
    """1 to 255 printable ASCII characters, and nothing else passes. REQ OF-06."""
    try:
        check_key(key, "Idempotency-Key")
    except Invalid:
        return
    assert 1 <= len(key) <= 255
    assert key.isascii()
    assert key.isprintable()


class Timed(StrictSerializer):
    """A body with a time."""

    at = serializers.DateTimeField()


@_FEW
@given(
    said=st.text(max_size=30)
    | st.from_regex(r"[0-9]{1,5}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{2,12}(Z|[+-][0-9:]{2,5})?")
)
@example(said="2026-02-30T12:00:00Z")
@example(said="2026-11-20T12:00:00+99:99")
def test_a_time_has_an_offset_or_is_refused(said: str) -> None:
    """Any text for a time: the instant that it says, or its field is named. REQ OF-02."""
    body: Any = Timed(data={"at": said})
    if body.is_valid():
        assert said.rstrip().endswith(("Z", "z")) or {"+", "-"} & set(said[10:])
        assert body.validated_data["at"].tzinfo is not None
    else:
        assert set(body.errors) == {"at"}


@_FEW
@given(host=st.text(max_size=20) | st.text("[]@:/.\\?#x1", max_size=12), path=st.text(max_size=10))
@example(host="[", path="")
@example(host="shop.test:99999", path="/")
def test_an_address_to_follow_leads_to_a_host(host: str, path: str) -> None:
    """Any text: one that is taken has a host and no user in it. REQ OF-02, AD-01."""
    url = f"https://{host}{path}"
    if is_web_address(url, longest=500):
        parts = urlsplit(url)
        assert parts.hostname
        assert (parts.username, parts.password) == (None, None)
